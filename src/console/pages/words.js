// All that the console says, in both languages. A test holds the words of the API (statuses, reasons, ...) against the API's
// own lists, and the two languages against each other. English has no `reason.*`: the API says reasons in English itself.

const en = {
  'brand': 'Hongyan 鸿雁',
  'language.other': '中文', 'language.other.lang': 'zh-CN',
  'nav.messages': 'Messages', 'nav.send': 'Send', 'nav.replies': 'Replies', 'nav.numbers': 'Opt-outs', 'nav.lanes': 'Lanes',
  'nav.sign_out': 'Sign out',
  'footer.times': 'Times are those of {zone}.', 'footer': 'All of it comes from the API:', 'licences': 'licences',

  'sign_in.title': 'Sign in', 'sign_in.key': 'API key', 'sign_in.do': 'Sign in',
  'sign_in.help': 'A key of the gateway, SK….…; `hongyan key create` makes one. It stays in this tab until you sign out or close it.',
  'sign_in.wrong': 'The gateway does not know this key, or it was revoked. Was all of it copied, and is this the gateway it was made for?',
  'problem.network': 'The gateway does not answer. Is it running, and is this computer connected?',
  'problem.strange': 'What answers here cannot be shown: is it this console’s gateway? Load the page again.', 'problem.field': '{field}: {text}',
  'problem.scope': 'This key may not do that: it needs the scope “{scope}”.',
  'loading': 'Loading …', 'nothing': 'Nothing here.', 'refresh': 'Refresh', 'older': 'Older', 'newest': 'Newest', 'more': 'More', 'first': 'First',
  'all': 'all', 'filter': 'Show', 'none': 'none',

  'messages.title': 'Messages', 'message.title': 'Message',
  'f.to': 'To', 'f.from': 'From', 'f.status': 'Status', 'f.reason': 'Reason', 'f.body': 'Text', 'f.created_at': 'Stored', 'f.sent_at': 'Sent',
  'f.done_at': 'Ended', 'f.send_at': 'Not before', 'f.expires_at': 'Valid until', 'f.channel': 'Channel', 'f.topic': 'Topic',
  'f.priority': 'Priority', 'f.segments': 'Segments', 'f.template': 'Template', 'f.price': 'Price', 'f.lane': 'Lane', 'f.provider_id': 'Provider’s id',
  'f.waiting_for': 'Waits for', 'f.expected_at': 'Expected', 'f.direction': 'Direction', 'f.id': 'Id', 'f.in_reply_to': 'Answers',
  'f.number': 'Number or address', 'f.kind': 'Kind', 'f.source': 'Source', 'f.by': 'Said by', 'f.note': 'Note', 'f.since': 'Since',
  'f.act': 'What was said', 'f.at': 'When', 'f.proof': 'Proof', 'f.method': 'How', 'f.text': 'Words agreed to', 'f.ip': 'IP address', 'f.url': 'Page', 'f.received_at': 'Received', 'f.mood': 'Mood', 'f.action': 'Asks for',
  'f.answer': 'Answered with',
  'attempts': 'Attempts', 'attempt.number': '#', 'attempt.took': 'Took', 'attempt.outcome': 'Outcome', 'attempt.hint': 'Lane', 'attempt.code': 'Code',
  'attempt.none': 'No call to a provider yet.',
  'events': 'What happened', 'event.note': 'note',
  'ahead': '{n} before it',
  'cancel': 'Cancel it', 'cancel.sure': 'Stop this message? It will not be sent.',

  'send.title': 'Send a text', 'send.do': 'Send', 'send.explain': 'What would happen?',
  'send.optional': 'optional', 'send.done': 'It is taken: {id}. To see what becomes of it, the key needs the scope “read”.',

  'numbers.title': 'Opt-outs and consents', 'numbers.look_up': 'Look up', 'numbers.list': 'The list', 'numbers.of': 'Opt-outs and consents of {number}',
  'numbers.stands': 'What stands against writing to it', 'numbers.free': 'Nothing stands against writing to it.',
  'numbers.add': 'Put it on the list', 'numbers.add.do': 'Put on the list', 'numbers.topic.all': 'every topic', 'numbers.note': 'Proof: where and how it was said',
  'numbers.release': 'Take off', 'numbers.release.sure': 'Take {number} off the list ({kind}, {topic})? It may be written to again.',
  'numbers.everyone': 'every account', 'numbers.ends': 'ends', 'numbers.history': 'What was said', 'numbers.history.none': 'Nothing was said yet.',
  'numbers.added': 'It is on the list: {kind}, {topic}.', 'numbers.messages': 'Messages to it',

  'replies.title': 'Replies', 'replies.unread': 'only unread', 'replies.read': 'Mark as read', 'replies.answer': 'Answer',

  'lanes.title': 'Lanes', 'lanes.needs': 'Lanes are shown to keys of the scope “admin”.', 'lanes.breaker': 'Breaker', 'lanes.health': 'Health',
  'lanes.calls': 'Calls of five minutes', 'lanes.calls.of': '{good} taken, {bad} failed', 'lanes.receipts': 'Receipts of an hour',
  'lanes.receipts.of': '{delivered} delivered, {undelivered} not', 'lanes.window': 'In flight', 'lanes.window.of': '{n} of {window} (up to {max})',
  'lanes.limits': 'Limits', 'lanes.day': 'today', 'lanes.month': 'this month', 'lanes.warm_up': 'warm-up, day {day}', 'lanes.of': '{used} of {max}',
  'lanes.no_limits': 'none', 'lanes.until': 'until', 'lanes.learned': 'learned rate', 'lanes.a_second': '{n} a second',
  'alarm.quota': '{lane}: {used} of {max} used {which}.', 'alarm.breaker': '{lane}: {breaker}.',

  'status.accepted': 'accepted', 'status.scheduled': 'scheduled', 'status.queued': 'queued', 'status.sending': 'sending', 'status.sent': 'sent',
  'status.delivered': 'delivered', 'status.undelivered': 'undelivered', 'status.failed': 'failed', 'status.expired': 'expired',
  'status.canceled': 'canceled', 'status.suppressed': 'suppressed', 'status.unknown': 'unknown', 'status.received': 'received',
  'direction.outbound': 'outbound', 'direction.inbound': 'inbound',
  'priority.otp': 'one-time code', 'priority.transactional': 'transactional', 'priority.marketing': 'marketing',
  'channel.sms': 'SMS', 'channel.voice': 'voice', 'channel.email': 'e-mail', 'channel.push': 'push', 'channel.whatsapp': 'WhatsApp', 'channel.chat': 'chat',
  'outcome.sent': 'sent: the provider has it', 'outcome.rejected': 'rejected: never again', 'outcome.retry': 'retry: surely not taken',
  'outcome.unknown': 'unknown: the provider may have it', 'outcome.open': 'no answer yet',
  'hint.fine': 'fine', 'hint.slow_down': 'slow down', 'hint.down': 'down', 'hint.broken': 'broken: a person must mend it',
  'kind.opt_out': 'opt-out', 'kind.block': 'block', 'kind.invalid': 'invalid number',
  'source.api': 'API', 'source.reply': 'reply', 'source.provider': 'provider', 'source.import': 'import', 'source.console': 'console',
  'act.granted': 'granted', 'act.withdrawn': 'withdrawn', 'act.released': 'taken off the list', 'act.requested': 'asked to confirm',
  'mood.negative': 'negative', 'mood.neutral': 'neutral', 'mood.positive': 'positive',
  'action.other': '–', 'action.stop': 'to be left alone', 'action.start': 'to be written to again', 'action.help': 'help', 'action.confirm': 'confirms',
  'breaker.closed': 'closed: calls go', 'breaker.open': 'open: the provider fails', 'breaker.half_open': 'half open: one call at a time, to try it',
  'breaker.broken': 'broken: mend the settings or the account, then reload',
  'waiting.send_at': 'its time', 'waiting.quiet_hours': 'the end of quiet hours', 'waiting.frequency_cap': 'a place under the frequency cap',
  'waiting.spend_ceiling': 'the next day’s money', 'waiting.fraud_hold': 'somebody’s release', 'waiting.lane': 'a free place in a lane',
  'waiting.route': 'a route that is for it', 'waiting.retry': 'its next attempt', 'waiting.provider': 'the provider’s answer',
  'waiting.reconciliation': 'asking whether the provider has it', 'waiting.receipt': 'a receipt',
  'expected.set': 'decided', 'expected.earliest': 'at the earliest', 'expected.latest': 'at the latest', 'expected.estimate': 'by estimate',
  'explain.sends': 'It would be sent.', 'explain.waits': 'It would wait.', 'explain.suppressed': 'It would be suppressed.',
  'explain.refused': 'It would be refused.',
}

const zh = {
  'brand': '鸿雁 Hongyan',
  'language.other': 'English', 'language.other.lang': 'en',
  'nav.messages': '消息', 'nav.send': '发送', 'nav.replies': '回复', 'nav.numbers': '退订', 'nav.lanes': '通道',
  'nav.sign_out': '退出',
  'footer.times': '时间为 {zone} 时区。', 'footer': '数据均来自 API：', 'licences': '许可证',

  'sign_in.title': '登录', 'sign_in.key': 'API 密钥', 'sign_in.do': '登录',
  'sign_in.help': '网关的密钥，形如 SK….…，由 `hongyan key create` 生成。只保存在本标签页，退出或关闭即清除。',
  'sign_in.wrong': '网关不认识此密钥，或密钥已吊销。请检查是否完整复制，以及是否属于本网关。',
  'problem.network': '网关没有应答。请检查网关是否在运行、网络是否连通。',
  'problem.strange': '收到的内容无法显示：应答的可能不是本控制台的网关。请重新加载页面。', 'problem.field': '“{field}”填写有误：{text}',
  'problem.scope': '此密钥无权执行该操作：需要权限“{scope}”。',
  'loading': '加载中……', 'nothing': '暂无内容。', 'refresh': '刷新', 'older': '更早', 'newest': '最新', 'more': '下一页', 'first': '首页',
  'all': '全部', 'filter': '查看', 'none': '无',

  'messages.title': '消息', 'message.title': '消息详情',
  'f.to': '收件人', 'f.from': '发送方', 'f.status': '状态', 'f.reason': '原因', 'f.body': '内容', 'f.created_at': '提交时间', 'f.sent_at': '发出时间',
  'f.done_at': '结束时间', 'f.send_at': '最早发送时间', 'f.expires_at': '有效期至', 'f.channel': '渠道', 'f.topic': '主题',
  'f.priority': '优先级', 'f.segments': '计费条数', 'f.template': '模板', 'f.price': '费用', 'f.lane': '通道', 'f.provider_id': '服务商编号',
  'f.waiting_for': '正在等待', 'f.expected_at': '预计', 'f.direction': '方向', 'f.id': '编号', 'f.in_reply_to': '回复的消息',
  'f.number': '号码或地址', 'f.kind': '类型', 'f.source': '来源', 'f.by': '操作者', 'f.note': '备注', 'f.since': '登记时间',
  'f.act': '操作', 'f.at': '时间', 'f.proof': '凭证', 'f.method': '方式', 'f.text': '同意的文字', 'f.ip': 'IP 地址', 'f.url': '网页', 'f.received_at': '收到时间', 'f.mood': '情绪', 'f.action': '诉求',
  'f.answer': '自动回复',
  'attempts': '发送记录', 'attempt.number': '#', 'attempt.took': '用时', 'attempt.outcome': '结果', 'attempt.hint': '对通道', 'attempt.code': '代码',
  'attempt.none': '尚未调用服务商。',
  'events': '经过', 'event.note': '附注',
  'ahead': '前面还有 {n} 条',
  'cancel': '取消发送', 'cancel.sure': '确定不再发送这条消息？',

  'send.title': '发送短信', 'send.do': '发送', 'send.explain': '模拟发送',
  'send.optional': '可选', 'send.done': '已接收：{id}。查看后续状态需要权限为“read”的密钥。',

  'numbers.title': '退订与同意', 'numbers.look_up': '查询', 'numbers.list': '名单', 'numbers.of': '{number} 的退订与同意',
  'numbers.stands': '禁止发送的原因', 'numbers.free': '不在名单上，可以发送。',
  'numbers.add': '列入名单', 'numbers.add.do': '登记', 'numbers.topic.all': '所有主题', 'numbers.note': '凭证：客户何时、以何方式提出',
  'numbers.release': '移出', 'numbers.release.sure': '将 {number} 移出名单（{kind}，{topic}）？此后可以再向其发送。',
  'numbers.everyone': '所有账户', 'numbers.ends': '到期', 'numbers.history': '历史记录', 'numbers.history.none': '尚无记录。',
  'numbers.added': '已列入名单：{kind}，{topic}。', 'numbers.messages': '发给它的消息',

  'replies.title': '回复', 'replies.unread': '仅未读', 'replies.read': '标为已读', 'replies.answer': '答复',

  'lanes.title': '通道', 'lanes.needs': '查看通道需要权限为“admin”的密钥。', 'lanes.breaker': '熔断', 'lanes.health': '健康度',
  'lanes.calls': '近五分钟调用', 'lanes.calls.of': '成功 {good}，失败 {bad}', 'lanes.receipts': '近一小时回执',
  'lanes.receipts.of': '送达 {delivered}，未送达 {undelivered}', 'lanes.window': '在途', 'lanes.window.of': '{n} / {window}（至多 {max}）',
  'lanes.limits': '限额', 'lanes.day': '今日', 'lanes.month': '本月', 'lanes.warm_up': '预热第 {day} 天', 'lanes.of': '{used} / {max}',
  'lanes.no_limits': '无', 'lanes.until': '至', 'lanes.learned': '自动测得的速率', 'lanes.a_second': '每秒 {n}',
  'alarm.quota': '{lane}：{which}已用 {used} / {max}。', 'alarm.breaker': '{lane}：{breaker}。',

  'status.accepted': '已接收', 'status.scheduled': '定时', 'status.queued': '排队中', 'status.sending': '发送中', 'status.sent': '已发出',
  'status.delivered': '已送达', 'status.undelivered': '未送达', 'status.failed': '失败', 'status.expired': '已过期',
  'status.canceled': '已取消', 'status.suppressed': '已拦截', 'status.unknown': '未知', 'status.received': '已收到',
  'direction.outbound': '下行', 'direction.inbound': '上行',
  'priority.otp': '验证码', 'priority.transactional': '通知', 'priority.marketing': '营销',
  'channel.sms': '短信', 'channel.voice': '语音', 'channel.email': '邮件', 'channel.push': '推送', 'channel.whatsapp': 'WhatsApp', 'channel.chat': '聊天',
  'outcome.sent': '已受理：服务商已接收', 'outcome.rejected': '拒绝：不再尝试', 'outcome.retry': '可重试：服务商肯定未接收',
  'outcome.unknown': '未知：服务商可能已接收', 'outcome.open': '尚无应答',
  'hint.fine': '正常', 'hint.slow_down': '减速', 'hint.down': '不可用', 'hint.broken': '须人工修复',
  'kind.opt_out': '退订', 'kind.block': '屏蔽', 'kind.invalid': '无效号码',
  'source.api': 'API', 'source.reply': '回复', 'source.provider': '服务商', 'source.import': '导入', 'source.console': '控制台',
  'act.granted': '同意', 'act.withdrawn': '撤回同意', 'act.released': '移出名单', 'act.requested': '已请求确认',
  'mood.positive': '正面', 'mood.neutral': '中性', 'mood.negative': '负面',
  'action.other': '–', 'action.stop': '退订', 'action.start': '恢复接收', 'action.help': '帮助', 'action.confirm': '确认',
  'breaker.closed': '闭合：正常调用', 'breaker.open': '断开：服务商故障', 'breaker.half_open': '半开：逐个试探',
  'breaker.broken': '停用：修正设置或账户后重新加载',
  'waiting.send_at': '预定时间', 'waiting.quiet_hours': '免打扰时段结束', 'waiting.frequency_cap': '频次上限放行',
  'waiting.spend_ceiling': '次日的额度', 'waiting.fraud_hold': '人工放行', 'waiting.lane': '通道空位',
  'waiting.route': '适用的路由', 'waiting.retry': '下一次尝试', 'waiting.provider': '服务商应答',
  'waiting.reconciliation': '向服务商核实是否已接收', 'waiting.receipt': '回执',
  'expected.set': '已定', 'expected.earliest': '最早', 'expected.latest': '最迟', 'expected.estimate': '估计',
  'explain.sends': '会发送。', 'explain.waits': '会等待。', 'explain.suppressed': '会被拦截。', 'explain.refused': '会被拒绝。',

  'reason.invalid_number': '号码不存在或不能接收短信', 'reason.opted_out': '收件人不愿接收', 'reason.content_rejected': '服务商或运营商拒绝此内容',
  'reason.sender_rejected': '发送方无权发送，或不能发往该地', 'reason.credentials': '服务商不接受通道的凭据或账户', 'reason.quota': '服务商账户的配额用尽',
  'reason.throttled': '服务商要求减速', 'reason.provider_down': '服务商故障或不可达', 'reason.unreachable': '手机或其运营商不可达',
  'reason.outcome_unknown': '服务商可能已接收，且无法查询', 'reason.expired': '有效期已过', 'reason.canceled': '由调用方撤回',
  'reason.no_receipt': '期限内没有送达回执', 'reason.screened': '词表或规则禁止此内容', 'reason.blocked': '号码已被屏蔽',
  'reason.duplicate': '刚向同一号码发过同样内容', 'reason.no_lane': '没有配置通道，或都不可用', 'reason.attempts_exhausted': '已达设置允许的次数',
  'reason.rejected': '服务商以其自有代码拒绝', 'reason.request_rejected': '服务商称请求有误', 'reason.scheduled': '等待预定时间',
  'reason.lane_full': '等待通道空位', 'reason.reconciling': '正在向服务商核实是否已接收', 'reason.lane_rate': '等待通道速率放行',
  'reason.other_provider_id': '回执中的服务商编号与发送记录不符：未采信', 'reason.no_route': '设置中没有适用的路由', 'reason.no_template_code': '服务商只接受已知模板，而消息没有对应模板',
  'reason.known_invalid': '服务商近日称此号码不能接收短信', 'reason.lane_quota': '等待通道限额的次日或次月', 'reason.no_consent': '该主题需要收件人同意，尚无同意',
  'reason.warm_up': '等待通道或发送方预热的次日', 'reason.frequency_cap': '收件人已达频次上限', 'reason.quiet_hours': '收件人的免打扰时段，结束后发出',
  'reason.code_used': '其中的验证码已被使用：已送达', 'reason.price_ceiling': '各通道的价格都超过消息或路由的上限', 'reason.spend_ceiling': '账户当日额度用尽',
  'reason.code_over': '其中的验证码已用、已撤回或已过期', 'reason.country_not_allowed': '账户不向该国发送', 'reason.prefix_blocked': '反欺诈已封锁该号段',
  'reason.fraud_hold': '反欺诈暂扣，等待人工处理', 'reason.released': '已人工放行',
}

export const tables = { en, zh }
let chosen = localStorage.getItem('hongyan.language') ?? (navigator.language.startsWith('zh') ? 'zh' : 'en')
if (!tables[chosen])
  chosen = 'en'

export const language = () => chosen
export const locale = () => (chosen === 'zh' ? 'zh-CN' : 'en')

export function changeLanguage() {
  chosen = chosen === 'zh' ? 'en' : 'zh'
  localStorage.setItem('hongyan.language', chosen)
}

// What stands under the key, {names} replaced.
export const t = (key, values = {}) => tables[chosen][key].replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole)

// A word of the API: as it is where no table has it (a newer gateway says it).
export const word = (group, value) => tables[chosen][`${group}.${value}`] ?? value

// All words of such a group, each with what it is called, in the table's order.
export const choices = group => Object.keys(en).filter(key => key.startsWith(`${group}.`)).map(key => [key.slice(group.length + 1), tables[chosen][key]])

export const reason = row => (row.reason ? tables[chosen][`reason.${row.reason}`] ?? row.reason_text ?? row.reason : '')
