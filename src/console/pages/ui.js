// What all pages are made of.
import { h } from 'preact'
import { useEffect, useErrorBoundary, useRef, useState } from 'preact/hooks'
import htm from 'htm'
import { locale, reason, t, word } from './words.js'

export const html = htm.bind(h)

// ---- where we are: #/page/part?name=value ----

const decoded = text => {
  try {
    return decodeURIComponent(text)
  } catch {
    return text // somebody typed a lone %
  }
}

// A part that is a dot or two would lead to another address of the API.
export function place() {
  const [path, query] = location.hash.replace(/^#\/?/, '').split('?')
  return { parts: path.split('/').map(decoded).filter(part => part && !/^\.\.?$/.test(part)), query: Object.fromEntries(new URLSearchParams(query)) }
}

export function link(parts, query = {}) {
  const said = new URLSearchParams(Object.entries(query).filter(([, value]) => value)).toString()
  return '#/' + parts.map(encodeURIComponent).join('/') + (said && '?' + said)
}

export const go = (parts, query) => { location.hash = link(parts, query) }

// ---- what is fetched ----

const RETRY_MS = 3000

// {data, problem, again}: fetched when `of` (a text) changes, by again(), and, while the page is looked at, so many ms after an answer
// as every(data) says (0: never), or until a gateway that is away is back.
export function useFetched(fetch, of, every = () => 0) {
  const [state, setState] = useState({ of })
  const latest = useRef({})
  const again = async () => {
    const mine = latest.current = {}
    const now = await fetch().then(data => ({ of, data }), problem => ({ of, problem }))
    if (latest.current !== mine)
      return
    setState(before => (now.problem && before.of === of ? { ...before, problem: now.problem } : now))
    const ms = now.problem ? now.problem.passes && RETRY_MS : every(now.data)
    const look = () => latest.current === mine && (document.hidden ? setTimeout(look, ms) : again())
    if (ms)
      setTimeout(look, ms)
  }
  useEffect(() => {
    again()
    return () => { latest.current = {} }
  }, [of])
  return state.of === of ? { ...state, again } : { again }
}

// {run, busy, problem, done, forget}: something that is done once at a time; forget() when what came of it is no longer true.
export function useDeed(deed) {
  const [state, setState] = useState({})
  const busy = useRef(false)
  const run = async (...of) => {
    if (busy.current)
      return
    busy.current = true
    setState({ busy: true })
    const now = await deed(...of).then(done => ({ done: done ?? true }), problem => ({ problem }))
    busy.current = false
    setState(now)
  }
  return { ...state, run, forget: () => busy.current || setState({}) }
}

// ---- parts ----

export function Notice({ problem }) {
  if (!problem)
    return null
  const text = problem.status === 0 ? t('problem.network')
    : problem.scope ? t('problem.scope', { scope: problem.scope })
      : problem.field ? t('problem.field', { field: word('f', problem.field), text: problem.message }) : problem.message
  return html`<p class="notice bad" role="alert">${text}</p>`
}

// What cannot be drawn (another program answers, say) is told until the reader goes elsewhere, and the rest of the page goes on.
export function Guard({ children }) {
  const [broken, mend] = useErrorBoundary(error => console.warn(error))
  useEffect(mend, [location.hash])
  return broken ? html`<p class="notice bad" role="alert">${t('problem.strange')}</p>` : children
}

export const Loading = ({ of }) => (of.problem ? html`<${Notice} problem=${of.problem} />` : html`<p class="empty">${t('loading')}</p>`)

const COLOURS = {
  status: { delivered: 'good', received: 'good', undelivered: 'bad', failed: 'bad', expired: 'bad', unknown: 'wait', suppressed: 'wait' },
  outcome: { sent: 'good', rejected: 'bad', retry: 'wait', unknown: 'wait' },
  hint: { fine: 'good', slow_down: 'wait', down: 'bad', broken: 'bad' },
  breaker: { closed: 'good', half_open: 'wait', open: 'bad', broken: 'bad' },
  mood: { positive: 'good', negative: 'bad' },
}

// A word of the API, said in the reader's language; what the API said is its title.
export function Badge({ group, value }) {
  return value ? html`<span class="badge ${COLOURS[group]?.[value] ?? ''}" title=${value}>${word(group, value)}</span>` : null
}

export const why = of => of.reason && html`<span title=${of.reason}>${reason(of)}</span>`

const clocks = {}

export function Time({ at }) {
  if (!at)
    return null
  const clock = clocks[locale()] ??= new Intl.DateTimeFormat(locale(), { dateStyle: 'medium', timeStyle: 'medium', hourCycle: 'h23' })
  return html`<time datetime=${at} title=${at}>${clock.format(new Date(at))}</time>`
}

// columns: [title, row => cell, class]. A row with an id keeps its place under the reader's finger when others come above it.
export function Table({ columns, rows, empty, mark }) {
  if (rows.length === 0)
    return html`<p class="card empty">${empty ?? t('nothing')}</p>`
  return html`<div class="wide"><table>
    <thead><tr>${columns.map(([title, , kind]) => html`<th scope="col" class=${kind ?? ''}>${title}</th>`)}</tr></thead>
    <tbody>${rows.map(row => html`<tr key=${row.id} class=${mark?.(row) ?? ''}>
      ${columns.map(([title, cell, kind]) => html`<td class=${kind ?? ''} data-title=${title}>${cell(row)}</td>`)}</tr>`)}</tbody>
  </table></div>`
}

// A list by pages: the first is looked at again every so many ms, and "older" goes on from what the API said. columns: again => columns.
export function Pages({ fetch, every, older, first, columns, ...table }) {
  const [cursor, setCursor] = useState('') // '': the first page
  const page = useFetched(() => fetch(cursor && { cursor }), cursor, () => (cursor ? 0 : every))
  return html`
    ${page.data ? html`<${Notice} problem=${page.problem} /><${Table} rows=${page.data.data} columns=${columns(page.again)} ...${table} />` : html`<${Loading} of=${page} />`}
    <p class="row">
      <button type="button" onClick=${() => (cursor ? setCursor('') : page.again())}>${cursor ? first : t('refresh')}</button>
      ${page.data?.next_cursor && html`<button type="button" onClick=${() => setCursor(page.data.next_cursor)}>${older}</button>`}
    </p>`
}

export function Field({ label, value, set, ...more }) {
  return html`<label>${label}<input value=${value} onInput=${e => set(e.target.value)} autocomplete="off" ...${more} /></label>`
}

// words: [value, text]
export function Choice({ label, value, set, words, all }) {
  return html`<label>${label}<select value=${value} onChange=${e => set(e.target.value)}>
    ${all && html`<option value="">${all}</option>`}
    ${words.map(([of, text]) => html`<option value=${of}>${text}</option>`)}
  </select></label>`
}

export function Form({ onSubmit, children, ...more }) {
  return html`<form ...${more} onSubmit=${e => { e.preventDefault(); onSubmit?.() }}>${children}</form>`
}

// Name and value, those without value left out.
export function Facts({ rows }) {
  return html`<dl>${rows.filter(([, value]) => value || value === 0)
    .map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>`
}
