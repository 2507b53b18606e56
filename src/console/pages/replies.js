import { call, get } from './api.js'
import { Badge, Choice, Form, Notice, Pages, Time, go, html, link, useDeed } from './ui.js'
import { messageLink } from './messages.js'
import { choices, t, word } from './words.js'


export function ReplyList({ query }) {
  const read = useDeed(async (id, again) => {
    await call('POST', ['replies', id, 'read'])
    await again()
  })
  const columns = again => [
    [t('f.received_at'), r => html`<${Time} at=${r.received_at} />`],
    [t('f.from'), r => html`<a class="mono" href=${link(['numbers', r.from])}>${r.from}</a>`],
    [t('f.body'), r => r.body, 'text'],
    [t('f.mood'), r => html`<${Badge} group="mood" value=${r.mood} />`],
    [t('f.action'), r => word('action', r.action)],
    [t('f.in_reply_to'), r => r.in_reply_to && messageLink(r.in_reply_to)],
    [t('f.answer'), r => r.answer, 'text'],
    ['', r => html`<span class="row">
      <a href=${link(['send'], { to: r.from, from: r.to })}>${t('replies.answer')}</a>
      ${!r.read_at && html`<button type="button" disabled=${read.busy} onClick=${() => read.run(r.id, again)}>${t('replies.read')}</button>`}</span>`],
  ]
  return html`
    <h1>${t('replies.title')}</h1>
    <${Form}>
      <${Choice} label=${t('f.mood')} value=${query.mood ?? ''} set=${mood => go(['replies'], { ...query, mood })} all=${t('all')}
        words=${choices('mood')} />
      <${Choice} label=${t('filter')} value=${query.unread ?? ''} set=${unread => go(['replies'], { ...query, unread })} all=${t('all')}
        words=${[['true', t('replies.unread')]]} />
    <//>
    <${Notice} problem=${read.problem} />
    <${Pages} key=${JSON.stringify(query)} every=${5000} older=${t('older')} first=${t('newest')} columns=${columns}
      mark=${r => (r.read_at ? '' : 'unread')} fetch=${cursor => get(['replies'], { ...query, ...cursor })} />`
}
