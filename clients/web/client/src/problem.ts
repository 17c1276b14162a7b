/** Errors of the service, or of the connection to it. */

export interface FieldProblem {
  field: string
  description: string
}

export class ApiProblem extends Error {
  constructor(
    readonly status: number,
    readonly reason: string,
    readonly title: string,
    detail: string,
    readonly errors: readonly FieldProblem[] = [],
    readonly retryAfter?: number,
  ) {
    super(detail)
    this.name = 'ApiProblem'
  }

  /** Whether the same request can succeed later. */
  get passing(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500
  }

  /** The error of this field, e.g. `epochs`, if there is one. */
  of(field: string): string | undefined {
    return this.errors.find((error) => error.field === field)?.description
  }
}

/** A thrown value, as a problem that can be shown. */
export function asProblem(error: unknown): ApiProblem {
  return error instanceof ApiProblem
    ? error
    : new ApiProblem(0, 'defect', 'Something broke', String(error))
}

export function unreachable(): ApiProblem {
  return new ApiProblem(
    0,
    'unreachable',
    'The service is not answering',
    'It may have stopped, or the connection is interrupted.',
  )
}

/** Read an RFC 9457 problem; use the HTTP status for any other reply, e.g. from a proxy. */
export async function problemOf(response: Response): Promise<ApiProblem> {
  const later = Number(response.headers.get('Retry-After')) || undefined
  try {
    const body = (await response.json()) as Partial<
      Record<'reason' | 'title' | 'detail', string>
    > & {
      errors?: FieldProblem[]
    }
    if (body.reason && body.title) {
      return new ApiProblem(
        response.status,
        body.reason,
        body.title,
        body.detail ?? '',
        body.errors,
        later,
      )
    }
  } catch {
    // Not JSON: use the status.
  }
  const title = `The reply was ${response.status} ${response.statusText}`.trim()
  return new ApiProblem(
    response.status,
    'unknown',
    title,
    'The reply has no explanation.',
    [],
    later,
  )
}

export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'AbortError'
}
