/** Writes a `.br` and a `.gz` beside each text of the build, so that no request waits for it. */
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'

import type { Plugin } from 'vite'

const TEXT = /\.(js|css|html|svg|json)$/

export function precompress(isBuilt = (_name: string) => true): Plugin {
  let folder = ''
  return {
    name: 'precompress',
    apply: 'build',
    configResolved(config) {
      folder = config.build.outDir
    },
    async closeBundle() {
      const names = await readdir(folder, { recursive: true })
      await Promise.all(
        names
          .filter((name) => TEXT.test(name) && isBuilt(name))
          .map((name) => both(join(folder, name))),
      )
    },
  }
}

async function both(path: string): Promise<void> {
  const text = await readFile(path)
  const quality = { params: { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY } }
  await writeFile(`${path}.br`, await promisify(brotliCompress)(text, quality))
  await writeFile(`${path}.gz`, await promisify(gzip)(text, { level: 9 }))
}
