// What all pages are made of.
import { h } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import htm from 'htm'
import { locale, t, word } from './words.js'

export const html = htm.bind(h)

// ---- where we are: #/page/part?name=value ----

export function place() {
  const [path, query] = location.hash.replace(/^#\/?/, '').split('?')
  return { parts: path.split('/').filter(Boolean).map(decodeURIComponent), query: Object.fromEntries(new URLSearchParams(query)) }
}

export function link(parts, query = {}) {
  const said = new URLSearchParams(Object.entries(query).filter(([, value]) => value)).toString()
  return '#/' + parts.map(encodeURIComponent).join('/') + (said && '?' + said)
}

export const go = (parts, query) => { location.hash = link(parts, query) }

// ---- what is fetched ----

// {data, problem, again}: fetched when `of` (a text) changes, by again(), and every so many ms while the page is looked at.
export function useFetched(fetch, of, every) {
  const [state, setState] = useState({ of })
  const latest = useRef()
  const again = async () => {
    const mine = latest.current = {}
    const now = await fetch().then(data => ({ of, data }), problem => ({ of, problem }))
    if (latest.current === mine)
      setState(before => (now.problem && before.of === of ? { ...before, problem: now.problem } : now))
  }
  useEffect(() => {
    again()
    const timer = every && setInterval(() => document.hidden || again(), every)
    return () => {
      latest.current = undefined
      clearInterval(timer)
    }
  }, [of, every])
  return state.of === of ? { ...state, again } : { again }
}

// {run, busy, problem, done}: something that is done once at a time.
export function useDeed(deed) {
  const [state, setState] = useState({})
  const run = async (...of) => {
    if (state.busy)
      return
    setState({ busy: true })
    try {
      setState({ done: await deed(...of) ?? true })
    } catch (problem) {
      setState({ problem })
    }
  }
  return { ...state, run }
}

// ---- parts ----

export function Notice({ problem }) {
  if (!problem)
    return null
  const text = problem.status === 0 ? t('problem.network')
    : problem.scope ? t('problem.scope', { scope: problem.scope })
      : problem.field ? `${problem.field}: ${problem.message}` : problem.message
  return html`<p class="notice bad" role="alert">${text}</p>`
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

export function Time({ at }) {
  if (!at)
    return null
  const text = new Intl.DateTimeFormat(locale(), { dateStyle: 'short', timeStyle: 'medium' }).format(new Date(at))
  return html`<time datetime=${at} title=${at}>${text}</time>`
}

// columns: [title, row => cell, class]; rows: undefined while they are fetched.
export function Table({ columns, rows, empty, mark }) {
  if (rows.length === 0)
    return html`<p class="card empty">${empty ?? t('nothing')}</p>`
  return html`<div class="wide"><table>
    <thead><tr>${columns.map(([title]) => html`<th scope="col">${title}</th>`)}</tr></thead>
    <tbody>${rows.map(row => html`<tr class=${mark?.(row) ?? ''}>
      ${columns.map(([, cell, kind]) => html`<td class=${kind ?? ''}>${cell(row)}</td>`)}</tr>`)}</tbody>
  </table></div>`
}

// A list by pages: the first is looked at again now and then, and "older" goes on from what the API said. `of` names what is listed.
export function Pages({ fetch, of, every, older, first, ...table }) {
  const [cursor, setCursor] = useState('') // '': the first page
  const page = useFetched(() => fetch(cursor && { cursor }), `${of}|${cursor}`, cursor ? undefined : every)
  return html`
    ${page.data ? html`<${Notice} problem=${page.problem} /><${Table} rows=${page.data.data} ...${table} />` : html`<${Loading} of=${page} />`}
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
  return html`<form ...${more} onSubmit=${e => { e.preventDefault(); onSubmit() }}>${children}</form>`
}

// Name and value, those without value left out.
export function Facts({ rows }) {
  return html`<dl>${rows.filter(([, value]) => value || value === 0)
    .map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>`
}
