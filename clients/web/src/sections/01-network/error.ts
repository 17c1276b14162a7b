import { format } from '../../lib/api'

/** An error, without a power of ten, which a reader of the first chapter may not know. */
export function errorText(error: number): string {
  return error < 1e-4 ? 'less than 0.0001' : format(error)
}
