/** The API key of this browser. A service on this machine needs none. */

const NAME = 'epochal.key'

let refused: () => void = () => undefined

/** Call `then` whenever the service refuses a request because its key is missing or not valid. */
export function onRefusal(then: () => void): void {
  refused = then
}

export function savedKey(): string | null {
  return localStorage.getItem(NAME)
}

export function saveKey(key: string): void {
  localStorage.setItem(NAME, key)
}

export function forgetKey(): void {
  localStorage.removeItem(NAME)
}

/** The headers of a request to the service. */
export function authorization(key = savedKey()): Record<string, string> {
  return key ? { Authorization: `Bearer ${key}` } : {}
}

/** Ask for a key if the service refused the request because of its key. */
export function noticeRefusal(response: Response): void {
  if (response.status === 401) refused()
}

/** `fetch` with the API key. */
export async function request(path: string, options: RequestInit = {}): Promise<Response> {
  const headers = { ...authorization(), ...(options.headers as Record<string, string>) }
  const response = await fetch(path, { ...options, headers })
  noticeRefusal(response)
  return response
}
