/** Files become data sets: sent in pieces, so that a large one shows its progress. */
import { api, ApiProblem, body, type Schemas } from '../lib/api'

const PIECE_BYTES = 4 * 2 ** 20
const ATTEMPTS = 5
const PAUSE_MS = 500

export type Options = Omit<Schemas['CreateDatasetRequest'], 'upload' | 'csv' | 'generator'>

/** Store a file as a data set; `onprogress` receives the fraction that was sent, `signal` cancels. */
export async function sendFile(
  file: Blob,
  options: Options,
  onprogress: (fraction: number) => void,
  signal: AbortSignal,
): Promise<Schemas['Dataset']> {
  const { id } = await body(api.POST('/v1/uploads', { body: { size_bytes: file.size }, signal }))
  try {
    for (let offset = 0; offset < file.size; onprogress(offset / file.size)) {
      const piece = await read(file.slice(offset, offset + PIECE_BYTES))
      offset = await sendPiece(id, offset, piece, signal)
    }
    return await body(api.POST('/v1/datasets', { body: { ...options, upload: id }, signal }))
  } catch (error) {
    // The user changes the file or the options and sends it again.
    await api.DELETE('/v1/uploads/{id}', { params: { path: { id } } }).catch(() => undefined)
    throw error
  }
}

async function read(piece: Blob): Promise<ArrayBuffer> {
  try {
    return await piece.arrayBuffer()
  } catch {
    throw new ApiProblem(
      400,
      'file_changed',
      'The file has changed since you chose it',
      'Choose it again.',
    )
  }
}

/** Send a piece, again if the connection breaks, and return the offset of the next one. */
async function sendPiece(
  id: string,
  offset: number,
  piece: ArrayBuffer,
  signal: AbortSignal,
): Promise<number> {
  for (let attempt = 1; ; attempt++) {
    try {
      const reply = api.POST('/v1/uploads/{id}/append', {
        params: { path: { id }, query: { offset } },
        body: piece as never,
        // The client would encode the bytes as JSON.
        bodySerializer: (content: unknown) => content as ArrayBuffer,
        headers: { 'Content-Type': 'application/octet-stream' },
        signal,
      })
      return (await body(reply)).offset
    } catch (error) {
      if (!(error instanceof ApiProblem && error.passing) || attempt === ATTEMPTS) throw error
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS * attempt))
    }
  }
}
