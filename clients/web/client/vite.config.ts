/** Builds the client as a single file without dependencies, which the service serves at `/client.js`. */
import { fileURLToPath } from 'node:url'

import { defineConfig } from 'vite'

import { precompress } from '../build/precompress.ts'

const local = (path: string) => fileURLToPath(new URL(path, import.meta.url))

export default defineConfig({
  root: local('.'),
  plugins: [precompress((name) => name === 'client.js')],
  build: {
    outDir: local('../../../service/epochal_service/page'),
    emptyOutDir: false,
    target: 'es2022',
    lib: { entry: local('src/index.ts'), formats: ['es'], fileName: () => 'client.js' },
    minify: true,
  },
})
