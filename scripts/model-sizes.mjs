/**
 * Counts parameters and multiply-adds of every backbone and writes packages/plurad/src/models/sizes.ts:
 * `npm run build && node scripts/model-sizes.mjs`.
 */
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { scope } from '@plurad/torch'
import { measureBackbone } from '../packages/plurad/dist/models/measure.js'
import { backbones } from '../packages/plurad/dist/models/registry.js'

const lines = Object.keys(backbones).map((name) => {
  const { parameters, multiplyAdds, size, channels } = scope(() => measureBackbone(name))
  return `  ${name}: { parameters: ${parameters}, multiplyAdds: ${multiplyAdds}, size: ${size}, channels: ${channels} },`
})
const target = fileURLToPath(new URL('../packages/plurad/src/models/sizes.ts', import.meta.url))
writeFileSync(
  target,
  `/** Written by scripts/model-sizes.mjs: what each backbone costs, with the classifier that it was published with. */
import type { BackboneSize } from './measure.js'

export const sizes: Readonly<Record<string, BackboneSize>> = {
${lines.join('\n')}
}
`,
)
