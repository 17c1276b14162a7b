/**
 * Builds a script that other pages hold: `vite build --config build/kits.config.ts --mode NAME` makes NAME.js of
 * src/NAME/main.ts. `elements` is an ES module, which loads its parts from `assets` and has its styles in it; the
 * others are one file, with their styles in NAME.css.
 */
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'

import { svelte } from '@sveltejs/vite-plugin-svelte'
import type { AtRule, Plugin as Styles, Rule } from 'postcss'
import { defineConfig, type Plugin } from 'vite'

import { precompress } from './precompress.ts'

const local = (path: string) => fileURLToPath(new URL(path, import.meta.url))

/** Fonts would be files of their own: the fonts of the system are used instead. */
const withoutFonts: Styles = {
  postcssPlugin: 'without-fonts',
  AtRule: { 'font-face': (rule: AtRule) => void rule.remove() },
}

/** The root of the page is an element of another page, with the color scheme of its surroundings. */
const forElements: Styles = {
  postcssPlugin: 'for-elements',
  Rule(rule: Rule) {
    if (rule.selector === ':root') rule.walkDecls('color-scheme', (scheme) => void scheme.remove())
    rule.selector = rule.selector
      .replace(/^:root(\[.+\])$/, ':host($1)')
      .replace(/^(:root|html|body)$/, ':host')
  },
}

/** Styles of components go into a constructed sheet. */
const constructed: Plugin = {
  name: 'constructed',
  enforce: 'pre',
  resolveId: (source, importer) =>
    source === './dom/css.js' && importer?.includes('/svelte/src/internal/')
      ? local('../src/elements/styles.ts')
      : undefined,
}

/** A file for the code of all elements, one for code that several share, and one for the rest of each. */
const parts = (mode: string) => ({
  minify: true,
  chunkFileNames: `assets/${mode}-[name]-[hash].js`,
  codeSplitting: {
    groups: [
      { name: 'core', tags: ['$initial' as const], priority: 2 },
      { name: 'shared', minShareCount: 3, priority: 1 },
    ],
  },
})

export default defineConfig(({ mode }) => {
  const isModule = mode === 'elements'
  return {
    root: local('..'),
    base: './',
    publicDir: false,
    plugins: [
      svelte({ emitCss: !isModule }),
      isModule && constructed,
      precompress((name) => new RegExp(`^${mode}[.-]`).test(basename(name))),
    ],
    resolve: {
      alias: { $lib: local('../src/lib'), '@epochal/client': local('../client/src/index.ts') },
    },
    define: isModule ? {} : { 'import.meta.url': 'undefined' },
    css: { postcss: { plugins: isModule ? [withoutFonts, forElements] : [withoutFonts] } },
    build: {
      outDir: local('../../../service/epochal_service/page'),
      emptyOutDir: false,
      target: ['chrome123', 'firefox128', 'safari17.5'],
      minify: true,
      modulePreload: false,
      lib: {
        entry: local(`../src/${mode}/main.ts`),
        name: 'epochal',
        formats: [isModule ? 'es' : 'iife'],
        fileName: () => `${mode}.js`,
        cssFileName: mode,
      },
      rolldownOptions: {
        output: isModule ? parts(mode) : {},
      },
    },
  }
})
