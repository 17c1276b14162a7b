/**
 * The styles of all elements, as a constructed sheet: the policy of a page, such as `style-src 'none'`, refuses
 * `<style>`. The build puts `append_styles` in the place of the function of Svelte.
 */
import base from '../styles/base.css?inline'
import utilities from '../styles/utilities.css?inline'

let text = `:host { display: block }${base}${utilities}`
const known = new Set<string>()

/** A shadow tree adopts it once, and has the styles of each component that is used later. */
export const sheet = new CSSStyleSheet()
sheet.replaceSync(text)

/** Add the styles of a component. */
export function append_styles(_anchor: Node, css: { hash: string; code: string }): void {
  if (known.has(css.hash)) return
  known.add(css.hash)
  text += css.code
  sheet.replaceSync(text)
}
