import { get } from './api.js'
import { Badge, Loading, Notice, Table, Time, html, useFetched } from './ui.js'
import { reason, t, word } from './words.js'

const NEAR = 0.8 // of a quota: time to ask the provider for more, or to spread

// What counts against a lane: [which, used, max, until]
function limitsOf(lane) {
  const limits = lane.rates.map(r => [r.rate, r.used, r.max])
  if (lane.day?.max)
    limits.push([t('lanes.day'), lane.day.used, lane.day.max, lane.day.ends_at])
  if (lane.month?.max)
    limits.push([t('lanes.month'), lane.month.used, lane.month.max, lane.month.ends_at])
  if (lane.warm_up)
    limits.push([t('lanes.warm_up', lane.warm_up), lane.warm_up.max - lane.warm_up.left, lane.warm_up.max])
  return limits
}

const isSlow = limit => limit[3] !== undefined // a quota, which ends tomorrow or next month; a rate ends by itself

// Texts of what a person should know of now.
export function alarmsOf(lanes) {
  return lanes.flatMap(lane => [
    ...(['open', 'broken'].includes(lane.breaker) ? [t('alarm.breaker', { lane: lane.name, breaker: word('breaker', lane.breaker) })] : []),
    ...limitsOf(lane).filter(limit => isSlow(limit) && limit[1] >= NEAR * limit[2])
      .map(([which, used, max]) => t('alarm.quota', { lane: lane.name, which, used, max })),
  ])
}

const limits = lane => {
  const all = limitsOf(lane)
  if (lane.learned_rate)
    return html`${all.map(Limit)}<div>${t('lanes.learned')}: ${t('lanes.a_second', { n: lane.learned_rate })}</div>`
  return all.length ? all.map(Limit) : t('lanes.no_limits')
}

function Limit([which, used, max, until]) {
  return html`<div><meter min="0" max=${max} high=${NEAR * max} value=${used} title=${`${used} / ${max}`} aria-label=${which}></meter>
    ${' '}${t('lanes.of', { used, max })} · ${which}${until && html` · ${t('lanes.until')} <${Time} at=${until} />`}</div>`
}

const columns = () => [
  [t('f.lane'), l => html`<b>${l.name}</b><br /><span class="hint">${l.provider}</span>`],
  [t('lanes.breaker'), l => html`<${Badge} group="breaker" value=${l.breaker} />
    ${l.reason && html`<br /><span title=${l.reason}>${reason(l)}</span>${l.opens_at && html` · ${t('lanes.until')} <${Time} at=${l.opens_at} />`}`}`],
  [t('lanes.health'), l => `${l.health_percent} %`, 'number'],
  [t('lanes.window'), l => t('lanes.window.of', { n: l.in_flight, window: l.window, max: l.in_flight_max })],
  [t('lanes.calls'), l => t('lanes.calls.of', { good: l.calls_good, bad: l.calls_bad })],
  [t('lanes.receipts'), l => t('lanes.receipts.of', l)],
  [t('lanes.limits'), limits],
]

export function LaneList({ admin }) {
  const fetched = useFetched(async () => (admin ? get(['lanes']) : { data: [] }), String(admin), () => (admin ? 3000 : 0))
  if (!admin)
    return html`<h1>${t('lanes.title')}</h1><p class="notice wait">${t('lanes.needs')}</p>`
  return html`<h1>${t('lanes.title')}</h1>
    ${fetched.data ? html`<${Notice} problem=${fetched.problem} /><${Table} columns=${columns()} rows=${fetched.data.data} />`
      : html`<${Loading} of=${fetched} />`}`
}
