/**
 * Builds a script of one file that other pages hold: `vite build --config build/kits.config.ts --mode NAME`
 * makes NAME.js of src/NAME/main.ts, with its styles in NAME.css.
 */
import { fileURLToPath } from 'node:url'

import { svelte } from '@sveltejs/vite-plugin-svelte'
import { defineConfig } from 'vite'

import { precompress } from './precompress.ts'

const local = (path: string) => fileURLToPath(new URL(path, import.meta.url))

/** Fonts would be files of their own: the fonts of the system are used instead. */
const withoutFonts = {
  postcssPlugin: 'without-fonts',
  AtRule: { 'font-face': (rule: { remove(): void }) => rule.remove() },
}

export default defineConfig(({ mode }) => ({
  root: local('..'),
  publicDir: false,
  plugins: [svelte(), precompress((name) => name.startsWith(`${mode}.`))],
  resolve: {
    alias: { $lib: local('../src/lib'), '@epochal/client': local('../client/src/index.ts') },
  },
  define: { 'import.meta.url': 'undefined' },
  css: { postcss: { plugins: [withoutFonts] } },
  build: {
    outDir: local('../../../service/epochal_service/page'),
    emptyOutDir: false,
    target: ['chrome123', 'firefox128', 'safari17.5'],
    minify: true,
    lib: {
      entry: local(`../src/${mode}/main.ts`),
      name: 'epochal',
      formats: ['iife'],
      fileName: () => `${mode}.js`,
      cssFileName: mode,
    },
  },
}))
