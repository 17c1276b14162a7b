/** Colors and sizes of type have names, written in src/styles/tokens.css alone. */
export default {
  extends: ['stylelint-config-standard', 'stylelint-config-html/svelte'],
  reportNeedlessDisables: true,
  rules: {
    'color-named': 'never',
    'color-no-hex': true,
    'declaration-property-value-allowed-list': {
      'font-size': ['/^var\\(--(text|figure)-/', '/^[\\d.]+em$/', 'inherit', '0'],
    },
    'function-disallowed-list': ['rgb', 'rgba', 'hsl', 'hsla', 'light-dark'],
    // A component's rules for states and for parts of it overlap in name, not in what they match.
    'no-descending-specificity': null,
    'selector-pseudo-class-no-unknown': [true, { ignorePseudoClasses: ['global'] }],
    'value-keyword-case': ['lower', { camelCaseSvgKeywords: true }],
  },
  overrides: [
    {
      files: ['src/styles/tokens.css'],
      rules: { 'color-no-hex': null, 'function-disallowed-list': null },
    },
  ],
}
