import js from '@eslint/js'
import svelte from 'eslint-plugin-svelte'
import globals from 'globals'
import ts from 'typescript-eslint'

import svelteConfig from './svelte.config.js'

export default ts.config(
  {
    ignores: [
      'node_modules/',
      '.svelte-check/',
      'public/',
      'client/dist/',
      'client/src/schema.d.ts',
      'client/src/course.d.ts',
      'src/lab/schema.json',
    ],
  },
  js.configs.recommended,
  ts.configs.recommended,
  svelte.configs.recommended,
  { languageOptions: { globals: { ...globals.browser, ...globals.node } } },
  {
    files: ['**/*.svelte', '**/*.svelte.ts'],
    languageOptions: {
      parserOptions: { parser: ts.parser, extraFileExtensions: ['.svelte'], svelteConfig },
    },
  },
  {
    rules: {
      // TypeScript knows the names, and svelte-check fails on unknown names.
      'no-undef': 'off',
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', destructuredArrayIgnorePattern: '^_' },
      ],
      // {' '} keeps a space that Svelte would trim.
      'svelte/no-useless-mustaches': 'off',
      // State is replaced as a whole ($state.raw), so that its maps and sets need not be reactive.
      'svelte/prefer-svelte-reactivity': 'off',
    },
  },
)
