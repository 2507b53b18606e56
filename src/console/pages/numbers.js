import { useState } from 'preact/hooks'
import { call, get } from './api.js'
import { Badge, Choice, Facts, Field, Form, Loading, Notice, Pages, Table, Time, go, html, link, useDeed, useFetched } from './ui.js'
import { choices, t, word } from './words.js'

const topic = row => row.topic ?? t('numbers.topic.all')

const rowColumns = () => [
  [t('f.kind'), r => html`<${Badge} group="kind" value=${r.kind} />`],
  [t('f.topic'), topic],
  [t('f.source'), r => word('source', r.source)],
  [t('f.by'), r => html`<span class="mono">${r.everyone ? t('numbers.everyone') : r.by}</span>`],
  [t('f.note'), r => r.note, 'text'],
  [t('f.since'), r => html`<${Time} at=${r.created_at} />${r.expires_at && html`<br />${t('numbers.ends')} <${Time} at=${r.expires_at} />`}`],
]

const proofOf = c => [[t('f.method'), c.method], [t('f.text'), c.text], [t('f.ip'), c.ip], [t('f.url'), c.url], [t('f.note'), c.note]]

const historyColumns = () => [
  [t('f.at'), c => html`<${Time} at=${c.at} />`],
  [t('f.act'), c => word('act', c.act)],
  [t('f.topic'), topic],
  [t('f.source'), c => word('source', c.source)],
  [t('f.by'), c => html`<span class="mono">${c.by}</span>`],
  [t('f.proof'), c => html`<${Facts} rows=${proofOf(c)} />`],
]

// add: a deed that takes what goes on the list.
function AddForm({ add }) {
  const [kind, setKind] = useState('opt_out')
  const [about, setAbout] = useState('')
  const [note, setNote] = useState('')
  return html`
    <h2>${t('numbers.add')}</h2>
    <${Form} onSubmit=${() => add.run({ kind, ...(about && { topic: about }), ...(note && { note }) })} class="card">
      <${Choice} label=${t('f.kind')} value=${kind} set=${setKind} words=${choices('kind')} />
      <${Field} label=${t('f.topic')} value=${about} set=${setAbout} placeholder=${t('numbers.topic.all')} />
      <${Field} label=${t('numbers.note')} value=${note} set=${setNote} size="40" />
      <button class="main" disabled=${add.busy}>${t('numbers.add.do')}</button>
    <//>
    <${Notice} problem=${add.problem} />
    ${add.done && html`<p class="notice good" role="status">${t('numbers.added', { kind: word('kind', add.done.kind), topic: topic(add.done) })}</p>`}`
}

async function fetchNumber(number) {
  const [rows, history] = await Promise.all([get(['suppressions', number]), get(['consents', number])])
  return { number: rows.number, rows: rows.data, history: history.data }
}

export function NumberPage({ number }) {
  const fetched = useFetched(() => fetchNumber(number), number)
  const add = useDeed(async row => {
    release.forget()
    await call('PUT', ['suppressions', number], { body: { ...row, source: 'console' } })
    await fetched.again()
    return row
  })
  const release = useDeed(async row => {
    if (!confirm(t('numbers.release.sure', { number: fetched.data.number, kind: word('kind', row.kind), topic: topic(row) })))
      return
    add.forget()
    await call('DELETE', ['suppressions', number], { query: { kind: row.kind, ...(row.topic ? { topic: row.topic } : { no_topic: true }), source: 'console' } })
    await fetched.again()
  })
  if (!fetched.data)
    return html`<h1>${t('numbers.of', { number })}</h1><${Loading} of=${fetched} />`
  const columns = [...rowColumns(), ['', r => r.everyone ? null
    : html`<button type="button" disabled=${release.busy} onClick=${() => release.run(r)}>${t('numbers.release')}</button>`]]
  return html`
    <h1>${t('numbers.of', { number: fetched.data.number })}</h1>
    <${Notice} problem=${fetched.problem ?? release.problem} />
    <p><a href=${link(['messages'], { to: fetched.data.number })}>${t('numbers.messages')}</a></p>
    <h2>${t('numbers.stands')}</h2>
    <${Table} columns=${columns} rows=${fetched.data.rows} empty=${t('numbers.free')} />
    <${AddForm} add=${add} />
    <h2>${t('numbers.history')}</h2>
    <${Table} columns=${historyColumns()} rows=${fetched.data.history} empty=${t('numbers.history.none')} />`
}

export function NumberList({ query }) {
  const [number, setNumber] = useState('')
  const columns = () => [[t('f.number'), r => html`<a class="mono" href=${link(['numbers', r.number])}>${r.number}</a>`], ...rowColumns()]
  return html`
    <h1>${t('numbers.title')}</h1>
    <${Form} onSubmit=${() => number.trim() && go(['numbers', number.trim()])} class="card">
      <${Field} label=${t('f.number')} value=${number} set=${setNumber} placeholder="+8613800138000" />
      <button class="main">${t('numbers.look_up')}</button>
    <//>
    <h2>${t('numbers.list')}</h2>
    <${Form}>
      <${Choice} label=${t('f.kind')} value=${query.kind ?? ''} set=${kind => go(['numbers'], { ...query, kind })} all=${t('all')} words=${choices('kind')} />
    <//>
    <${Pages} key=${JSON.stringify(query)} older=${t('more')} first=${t('first')} columns=${columns}
      fetch=${cursor => get(['suppressions'], { ...query, ...cursor })} />`
}
