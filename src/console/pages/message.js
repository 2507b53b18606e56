import { call, get } from './api.js'
import { Badge, Facts, Loading, Notice, Table, Time, html, link, useDeed, useFetched, why } from './ui.js'
import { t, word } from './words.js'

const OPEN = ['accepted', 'scheduled', 'queued', 'sending', 'sent', 'unknown']
const CANCELABLE = ['accepted', 'scheduled', 'queued']

const took = a => a.ended_at && `${new Date(a.ended_at) - new Date(a.started_at)} ms`
const price = of => of.price && `${of.price} ${of.currency ?? ''}`
const code = of => [of.code, of.http_status && `HTTP ${of.http_status}`].filter(Boolean).join(' · ')
const outcome = a => html`<${Badge} group="outcome" value=${a.outcome ?? 'open'} />`
const hint = a => html`<${Badge} group="hint" value=${a.lane_hint} />`

const expected = m => html`<${Time} at=${m.expected_at} /> ${m.expected_is && word('expected', m.expected_is)}
  ${m.ahead > 0 && `· ${t('ahead', { n: m.ahead })}`}`

const factsOf = m => [
  [t('f.id'), html`<span class="mono">${m.id}</span>`],
  [t('f.status'), html`<${Badge} group="status" value=${m.status} /> ${why(m)}`],
  [t('f.waiting_for'), m.waiting_for && word('waiting', m.waiting_for)],
  [t('f.expected_at'), m.expected_at && expected(m)],
  [t('f.direction'), word('direction', m.direction)],
  [t('f.channel'), word('channel', m.on_channel)],
  [t('f.to'), html`<a class="mono" href=${link(['numbers', m.to])}>${m.to}</a>`],
  [t('f.from'), m.from],
  [t('f.body'), m.body],
  [t('f.template'), m.template],
  [t('f.topic'), m.topic],
  [t('f.priority'), word('priority', m.priority)],
  [t('f.segments'), `${m.segments} · ${m.encoding}`],
  [t('f.price'), price(m)],
  [t('f.created_at'), html`<${Time} at=${m.created_at} />`],
  [t('f.send_at'), m.send_at && html`<${Time} at=${m.send_at} />`],
  [t('f.sent_at'), m.sent_at && html`<${Time} at=${m.sent_at} />`],
  [t('f.done_at'), m.done_at && html`<${Time} at=${m.done_at} />`],
  [t('f.expires_at'), !m.done_at && html`<${Time} at=${m.expires_at} />`],
  [t('f.in_reply_to'), m.in_reply_to && html`<a class="mono" href=${link(['messages', m.in_reply_to])}>${m.in_reply_to}</a>`],
]

const attemptColumns = () => [
  [t('attempt.number'), a => a.number, 'number'],
  [t('f.lane'), a => a.provider],
  [t('f.from'), a => a.from],
  [t('f.sent_at'), a => html`<${Time} at=${a.started_at} />`],
  [t('attempt.took'), took, 'number'],
  [t('attempt.outcome'), outcome],
  [t('attempt.hint'), hint],
  [t('f.reason'), why],
  [t('attempt.code'), code],
  [t('f.price'), price],
  [t('f.provider_id'), a => a.provider_id && html`<span class="mono">${a.provider_id}</span>`],
]

const eventColumns = () => [
  [t('attempt.number'), e => e.number, 'number'],
  [t('f.at'), e => html`<${Time} at=${e.at} />`],
  [t('f.status'), e => html`<${Badge} group="status" value=${e.status} /> ${e.note && html`<span class="hint">${t('event.note')}</span>`}`],
  [t('f.reason'), why],
  [t('attempt.outcome'), e => e.outcome && outcome(e)],
  [t('attempt.hint'), hint],
  [t('attempt.code'), code],
]

async function fetchAll(id) {
  const [message, attempts, events] = await Promise.all([get(['messages', id]), get(['messages', id, 'attempts']), get(['messages', id, 'events'])])
  return { message, attempts: attempts.data, events: events.data }
}

export function MessagePage({ id }) {
  const fetched = useFetched(() => fetchAll(id), id, ({ message }) => (OPEN.includes(message.status) ? 2000 : 0))
  const cancel = useDeed(async () => {
    if (!confirm(t('cancel.sure')))
      return
    await call('POST', ['messages', id, 'cancel'])
    await fetched.again()
  })
  if (!fetched.data)
    return html`<h1>${t('message.title')}</h1><${Loading} of=${fetched} />`
  const { message, attempts, events } = fetched.data
  return html`
    <h1>${t('message.title')}</h1>
    <${Notice} problem=${fetched.problem ?? cancel.problem} />
    <div class="card"><${Facts} rows=${factsOf(message)} /></div>
    ${CANCELABLE.includes(message.status) && html`<button type="button" disabled=${cancel.busy} onClick=${cancel.run}>${t('cancel')}</button>`}
    <h2>${t('attempts')}</h2>
    <${Table} columns=${attemptColumns()} rows=${attempts} empty=${OPEN.includes(message.status) ? t('attempt.none') : t('none')} />
    <h2>${t('events')}</h2>
    <${Table} columns=${eventColumns()} rows=${events} />`
}
