/** Builds the page, which empties the folder, then the scripts that other pages hold, side by side. */
import { build } from 'vite'

await build()
await Promise.all([
  build({ configFile: 'client/vite.config.ts' }),
  ...['record', 'embed', 'elements'].map((mode) =>
    build({ configFile: 'build/kits.config.ts', mode }),
  ),
])
