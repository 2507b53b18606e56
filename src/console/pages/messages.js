import { useEffect, useState } from 'preact/hooks'
import { get } from './api.js'
import { Badge, Choice, Field, Form, Pages, Time, go, html, link, why } from './ui.js'
import { choices, t } from './words.js'

export const messageLink = id => html`<a class="mono" href=${link(['messages', id])}>${id.slice(0, 10)}…</a>`

export function MessageList({ query }) {
  const [to, setTo] = useState(query.to ?? '')
  const [status, setStatus] = useState(query.status ?? '')
  useEffect(() => { // back and forth in the browser's history
    setTo(query.to ?? '')
    setStatus(query.status ?? '')
  }, [query.to, query.status])
  const columns = () => [
    [t('f.created_at'), m => html`<${Time} at=${m.created_at} />`],
    [t('f.id'), m => messageLink(m.id)],
    [t('f.to'), m => html`<span class="mono">${m.to}</span>${m.direction === 'inbound' && html`<br /><span class="hint">${t('f.from')} ${m.from}</span>`}`],
    [t('f.body'), m => html`<div class="brief">${m.body}</div>`, 'text'],
    [t('f.status'), m => html`<${Badge} group="status" value=${m.status} />`],
    [t('f.reason'), why],
    [t('f.lane'), m => m.provider],
  ]
  return html`
    <h1>${t('messages.title')}</h1>
    <${Form} onSubmit=${() => go(['messages'], { to, status })}>
      <${Field} label=${t('f.to')} value=${to} set=${setTo} placeholder="+8613800138000" />
      <${Choice} label=${t('f.status')} value=${status} set=${setStatus} all=${t('all')} words=${choices('status')} />
      <button class="main">${t('filter')}</button>
    <//>
    <${Pages} key=${JSON.stringify(query)} every=${5000} older=${t('older')} first=${t('newest')} columns=${columns}
      fetch=${cursor => get(['messages'], { ...query, ...cursor })} />`
}
