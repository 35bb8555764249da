import type { Command } from 'commander'
import { register as registerAudit } from './data/audit.js'
import { register as registerGet } from './data/get.js'
import { register as registerInspect } from './data/inspect.js'
import { register as registerPack } from './data/pack.js'
import { register as registerPreview } from './data/preview.js'
import { register as registerSplit } from './data/split.js'

/** What `plurad data` can do; one file each in `data/`. */
const subcommands: readonly ((data: Command) => void)[] = [
  registerGet,
  registerInspect,
  registerAudit,
  registerPack,
  registerPreview,
  registerSplit,
]

export function register(program: Command): void {
  const data = program
    .command('data')
    .description('look at, check, split, pack, fetch and preview data sets')
    .addHelpText('after', '\nExample:\n  plurad data get chestmnist_64 --out data')
  for (const register of subcommands) register(data)
}
