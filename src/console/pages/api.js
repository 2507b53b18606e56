// The native API, with the key that the reader signed in with. The key stays in this tab (sessionStorage).

const root = new URL('../v1/', import.meta.url)
const KEPT = 'hongyan.key'

export class Problem extends Error {
  constructor(status, body) {
    super(body?.detail ?? body?.title ?? `HTTP ${status}`)
    this.status = status // 0: no answer came
    this.field = body?.field
    this.scope = status === 403 ? /scope `?(\w+)/.exec(this.message)?.[1] : undefined
  }
}

export const signedIn = () => sessionStorage.getItem(KEPT) !== null
export const signIn = key => sessionStorage.setItem(KEPT, key)
export const signOut = () => sessionStorage.removeItem(KEPT)

// Says `refused` whenever the gateway does not take the key (any more).
export const door = new EventTarget()

// The answer as JSON; throws a Problem. Of query, what is undefined is left out.
export async function call(method, path, { query = {}, body, headers = {} } = {}) {
  const url = new URL(path.map(encodeURIComponent).join('/'), root)
  for (const [name, value] of Object.entries(query))
    if (value !== undefined)
      url.searchParams.set(name, value)
  const request = { method, headers: { Authorization: `Bearer ${sessionStorage.getItem(KEPT)}`, ...headers }, cache: 'no-store' }
  if (body !== undefined) {
    request.headers['Content-Type'] = 'application/json'
    request.body = JSON.stringify(body)
  }
  let answer
  try {
    answer = await fetch(url, request)
  } catch {
    throw new Problem(0)
  }
  const said = answer.headers.get('Content-Type')?.includes('json') ? await answer.json() : undefined
  if (answer.status === 401)
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
