/** The API key of this browser. A service on this machine needs none. */

const NAME = 'epochal.key'

let refused: () => void = () => undefined

/** Call `then` whenever the service refuses a request because its key is missing or not valid. */
export function onRefusal(then: () => void): void {
  refused = then
}

export function savedKey(): string | null {
  return sessionStorage.getItem(NAME) ?? localStorage.getItem(NAME)
}

export function saveKey(key: string): void {
  sessionStorage.removeItem(NAME)
  localStorage.setItem(NAME, key)
}

/** Use the key of a link in this tab, in place of the saved one. */
export function takeKey(key: string): void {
  sessionStorage.setItem(NAME, key)
}

/** Whether this tab uses the key of a link, which reaches one run alone. */
export function hasLinkKey(): boolean {
  return sessionStorage.getItem(NAME) !== null
}

/** The address of this page, with the key of the link that opened it. */
export function address(): string {
  const key = sessionStorage.getItem(NAME)
  return key ? `${location.origin}${location.pathname}${location.search}#key=${key}` : location.href
}

export function forgetKey(): void {
  sessionStorage.removeItem(NAME)
  localStorage.removeItem(NAME)
}

/** Ask for a key if the service refused the request because of its key. */
export function noticeRefusal(response: Response): void {
  if (response.status === 401) refused()
}
