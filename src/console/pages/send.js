import { useState } from 'preact/hooks'
import { call, newKey } from './api.js'
import { Field, Form, Notice, go, html, useDeed } from './ui.js'
import { reason, t, word } from './words.js'

export function SendPage({ query }) {
  const [said, setSaid] = useState({ to: query.to ?? '', from: query.from ?? '', topic: '', body: '' })
  const [key, setKey] = useState(newKey) // pressed twice, or again after a cut: one text
  const change = name => value => {
    setSaid({ ...said, [name]: value })
    setKey(newKey())
  }
  const body = () => Object.fromEntries(Object.entries(said).filter(([, value]) => value))
  const explain = useDeed(() => call('POST', ['route', 'explain'], { body: body() }))
  const send = useDeed(async () => {
    const message = await call('POST', ['messages'], { body: body(), headers: { 'Idempotency-Key': key } })
    go(['messages', message.id])
  })
  return html`
    <h1>${t('send.title')}</h1>
    <${Form} onSubmit=${send.run} class="column card">
      <${Field} label=${t('f.to')} value=${said.to} set=${change('to')} placeholder="+8613800138000" required />
      <${Field} label=${`${t('f.from')} (${t('send.optional')})`} value=${said.from} set=${change('from')} />
      <${Field} label=${`${t('f.topic')} (${t('send.optional')})`} value=${said.topic} set=${change('topic')} />
      <label>${t('f.body')}<textarea value=${said.body} onInput=${e => change('body')(e.target.value)} required></textarea></label>
      <div class="row">
        <button class="main" disabled=${send.busy}>${t('send.do')}</button>
        <button type="button" disabled=${explain.busy} onClick=${explain.run}>${t('send.explain')}</button>
      </div>
    <//>
    <${Notice} problem=${send.problem ?? explain.problem} />
    ${explain.done && html`<div class="card"><h2>${word('explain', explain.done.outcome)} ${reason(explain.done)}</h2>
      <ol>${explain.done.decisions.map(d => html`<li>${d.text}</li>`)}</ol></div>`}`
}
