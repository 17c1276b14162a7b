import { fileURLToPath } from 'node:url'

import { svelte } from '@sveltejs/vite-plugin-svelte'
import { defineConfig } from 'vitest/config'

import { precompress } from './build/precompress.ts'

const local = (path: string) => fileURLToPath(new URL(path, import.meta.url))
const service = process.env.EPOCHAL_SERVICE ?? 'http://127.0.0.1:8000'

export default defineConfig(({ mode }) => ({
  plugins: [svelte(), precompress()],
  resolve: {
    alias: { $lib: local('src/lib'), '@epochal/client': local('client/src/index.ts') },
    // Components are tested as a browser has them, not as a server would render them.
    ...(mode === 'test' ? { conditions: ['browser'] } : {}),
  },
  build: {
    // The service finds its page in its own package, installed or not.
    outDir: local('../../service/epochal_service/page'),
    emptyOutDir: true,
    target: ['chrome123', 'firefox128', 'safari17.5'],
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    cssCodeSplit: false,
    rolldownOptions: {
      output: {
        codeSplitting: {
          // Few files: a request costs the browser and the service more than the bytes of a small one.
          groups: [
            { name: 'page', tags: ['$initial'], priority: 6 },
            { name: 'lib', test: /\/(src\/lib|client\/src|node_modules)\//, priority: 5 },
            { name: 'heads', test: /\/(Head|FirstRun)\.svelte$/, priority: 4 },
            { name: 'lists', test: /\/src\/(runs\/|\w+\/texts)/, minShareCount: 2, priority: 3 },
            { name: 'fields', test: /\/src\/lab\//, minShareCount: 2, priority: 2 },
            { name: 'runs', test: /\/src\//, minShareCount: 2, priority: 1 },
          ],
        },
      },
    },
  },
  server: {
    proxy: { '^/(v1|course|healthz|readyz|openapi.json)': service },
    // titles.json of the journey lies outside this folder.
    fs: { allow: ['.', local('../../service/epochal_course/content')] },
  },
  // The files share a process, as starting one for each takes longer than the tests; not their modules.
  test: {
    include: ['{src,client/src}/**/*.test.ts'],
    setupFiles: 'build/units.js',
    isolate: false,
  },
}))
