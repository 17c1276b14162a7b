/** Whether the service needs an API key that this browser does not have. */
import { forgetKey, onRefusal, savedKey, saveKey } from '../api/key'
import { Client, problemOf, unreachable, type ApiProblem } from '@epochal/client'

let needsKey = $state(false)

onRefusal(() => (needsKey = true))

export const access = {
  get needsKey(): boolean {
    return needsKey
  },
  get hasKey(): boolean {
    return savedKey() !== null
  },
  /** Save a key and load the page again; return the problem if the service refuses the key. */
  async enter(key: string): Promise<ApiProblem | undefined> {
    let response: Response
    try {
      response = await new Client({ url: location.origin, key }).fetch('/v1/version')
    } catch {
      return unreachable()
    }
    if (!response.ok) return problemOf(response)
    saveKey(key)
    location.reload()
    return undefined
  },
  forget(): void {
    forgetKey()
    location.reload()
  },
}
