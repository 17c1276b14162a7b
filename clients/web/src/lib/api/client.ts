/** The page's client of its service, with the key of this browser and with stored replies. */
import { Client } from '@epochal/client'
import type { Middleware } from 'openapi-fetch'

import { noticeRefusal, savedKey } from './key'
import { isStored, storedReply } from './stored'

/** Receives every reply and every failure to connect, for the connection state. */
export interface Listener {
  answered(): void
  /** `url`: the address of the service. */
  silent(url: string): void
}

let listener: Listener = { answered() {}, silent() {} }

export function listen(to: Listener): void {
  listener = to
}

/** A client, which also notices whether the service answers. */
export function serviceAt(url: string, key: () => string | null): Client {
  return new Client({
    url,
    key,
    onreply(response) {
      if (!response) return listener.silent(url)
      listener.answered()
      noticeRefusal(response)
    },
  })
}

export const service = serviceAt(location.origin, savedKey)
export const { api } = service

const stored: Middleware = {
  async onRequest({ request, schemaPath, params }) {
    const id = params.path?.['id']
    if (typeof id !== 'string' || !isStored(id)) return undefined
    const fields: unknown =
      request.method === 'GET' ? (params.query ?? {}) : await request.clone().json()
    return new Response(
      storedReply(id, request.method, schemaPath, fields as Record<string, unknown>),
    )
  },
}
api.use(stored)
