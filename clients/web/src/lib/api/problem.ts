/** What went wrong, in the words of the service or in ours where it could not be reached. */

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

  /** Whether the same request may succeed later. */
  get passing(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500
  }

  /** What is wrong with this field, e.g. `epochs`, if anything is. */
  of(field: string): string | undefined {
    return this.errors.find((error) => error.field === field)?.description
  }
}

export function unreachable(): ApiProblem {
  return new ApiProblem(
    0,
    'unreachable',
    'The service does not answer',
    'It may have been stopped, or the network between you and it was cut.',
  )
}

/** Reads RFC 9457; whatever else came (a proxy's page, say) is told by its status. */
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
    // It was not JSON: the status says what is known.
  }
  const title = `The answer was ${response.status} ${response.statusText}`.trim()
  return new ApiProblem(response.status, 'unknown', title, 'It had no explanation.', [], later)
}

export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'AbortError'
}
