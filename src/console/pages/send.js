import { useState } from 'preact/hooks'
import { call, newKey } from './api.js'
import { Field, Form, Notice, go, html, useDeed } from './ui.js'
import { reason, t, word } from './words.js'

// reads: whether the key may see what becomes of it.
export function SendPage({ query, reads }) {
  const [said, setSaid] = useState({ to: query.to ?? '', from: query.from ?? '', topic: '', body: '' })
  const [key, setKey] = useState(newKey) // pressed twice, or again after a cut: one text
  const change = name => value => {
    setSaid({ ...said, [name]: value })
    setKey(newKey())
    deed.forget()
  }
  const body = () => Object.fromEntries(Object.entries(said).filter(([, value]) => value))
  const deed = useDeed(async sends => {
    if (!sends)
      return { explained: await call('POST', ['route', 'explain'], { body: body() }) }
    const sent = await call('POST', ['messages'], { body: body(), headers: { 'Idempotency-Key': key } })
    if (reads)
      go(['messages', sent.id])
    return { sent }
  })
  const { explained, sent } = deed.done ?? {}
  return html`
    <h1>${t('send.title')}</h1>
    <${Form} onSubmit=${() => deed.run(true)} class="column card">
      <${Field} label=${t('f.to')} value=${said.to} set=${change('to')} placeholder="+8613800138000" required />
      <${Field} label=${`${t('f.from')} (${t('send.optional')})`} value=${said.from} set=${change('from')} />
      <${Field} label=${`${t('f.topic')} (${t('send.optional')})`} value=${said.topic} set=${change('topic')} />
      <label>${t('f.body')}<textarea value=${said.body} onInput=${e => change('body')(e.target.value)} required></textarea></label>
      <div class="row">
        <button class="main" disabled=${deed.busy}>${t('send.do')}</button>
        <button type="button" disabled=${deed.busy} onClick=${() => deed.run(false)}>${t('send.explain')}</button>
      </div>
    <//>
    <${Notice} problem=${deed.problem} />
    ${sent && html`<p class="notice good" role="status">${t('send.done', sent)}</p>`}
    ${explained && html`<div class="card" role="status"><h2>${word('explain', explained.outcome)} ${reason(explained)}</h2>
      <ol>${explained.decisions.map(d => html`<li>${d.text}</li>`)}</ol></div>`}`
}
