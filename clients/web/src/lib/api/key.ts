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

/** Ask for a key if the service refused the request because of its key. */
export function noticeRefusal(response: Response): void {
  if (response.status === 401) refused()
}
