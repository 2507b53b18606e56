// The native API, with the key that the reader signed in with. The key stays in this tab (sessionStorage).

const root = new URL('../v1/', import.meta.url)
const KEPT = 'hongyan.key'

export class Problem extends Error {
  constructor(status, body) {
    super(body?.detail ?? body?.title ?? `HTTP ${status}`)
    this.status = status // 0: no gateway answered
    this.passes = status === 0 || status === 429 || status >= 500 // asked again, it may go
    this.field = body?.field
    this.scope = status === 403 ? /scope `?(\w+)/.exec(this.message)?.[1] : undefined
  }
}

export const keptKey = () => sessionStorage.getItem(KEPT)
export const signIn = key => sessionStorage.setItem(KEPT, key)
export const signOut = () => sessionStorage.removeItem(KEPT)

// Says `refused` when the gateway does not take the kept key (any more).
export const door = new EventTarget()

// The answer as JSON; throws a Problem. Of query, what is undefined is left out.
export async function call(method, path, { query = {}, body, headers = {} } = {}) {
  const key = keptKey()
  const url = new URL(path.map(encodeURIComponent).join('/'), root)
  for (const [name, value] of Object.entries(query))
    if (value !== undefined)
      url.searchParams.set(name, value)
  const request = { method, headers: { Authorization: `Bearer ${key}`, ...headers }, cache: 'no-store' }
  if (body !== undefined) {
    request.headers['Content-Type'] = 'application/json'
    request.body = JSON.stringify(body)
  }
  let answer, said
  try {
    answer = await fetch(url, request)
    said = answer.status === 204 ? undefined : await answer.json()
  } catch {
    throw new Problem(0) // what is no JSON is a proxy's word, or cut
  }
  if (answer.status === 401 && key === keptKey())
    door.dispatchEvent(new Event('refused'))
  if (!answer.ok)
    throw new Problem(answer.status, said)
  return said
}

export const get = (path, query) => call('GET', path, { query })

// A word that no other request has: one and the same for a request that is made again.
export function newKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), b => b.toString(16).padStart(2, '0')).join('')
}
