import { Option, type Command } from 'commander'
import type { KnownCheckpoint } from '../models/weights/sources.js'
import { formatTable } from './table.js'

const KINDS = ['backbones', 'heads', 'weights'] as const

/** What `plurad models --json` prints. */
interface Catalogue {
  backbones: {
    name: string
    paper: string
    dims: 2 | 3
    parameters: number | null
    multiply_adds: number | null
    size: number | null
    options: string[]
  }[]
  heads: { name: string; paper: string; options: string[] }[]
  weights: KnownCheckpoint[]
}

/** Adds `plurad models`. */
export function register(program: Command): void {
  program
    .command('models')
    .description('list the backbones, heads and public weights that recipes can name')
    .addOption(new Option('--only <kind>', 'list one kind').choices(KINDS))
    .option('--json', 'print all that is known of them as JSON')
    .addHelpText(
      'after',
      '\nSizes are with the published classifier of 1,000 classes; a multiply-add (MAC) is counted once.\n' +
        '\nExample:\n  plurad models --only weights',
    )
    .action(async ({ only, json }: { only?: (typeof KINDS)[number]; json?: boolean }) => {
      const catalogue = await readCatalogue()
      if (json) {
        const chosen = only === undefined ? catalogue : { [only]: catalogue[only] }
        process.stdout.write(`${JSON.stringify(chosen, null, 2)}\n`)
        return
      }
      const tables = { backbones: backboneTable, heads: headTable, weights: weightTable }
      const kinds = only === undefined ? KINDS : [only]
      process.stdout.write(`${kinds.map((kind) => tables[kind](catalogue)).join('\n\n')}\n`)
    })
}

/** Loaded where it is asked for: the networks need the engine, which other commands have to run without. */
async function readCatalogue(): Promise<Catalogue> {
  const { backbones, heads } = await import('../models/registry.js')
  const { sizes } = await import('../models/sizes.js')
  const { knownCheckpoints } = await import('../models/weights/sources.js')
  return {
    backbones: Object.entries(backbones).map(([name, { paper, dims, options }]) => {
      const cost = Object.hasOwn(sizes, name) ? sizes[name] : null
      return {
        name,
        paper,
        dims,
        parameters: cost?.parameters ?? null,
        multiply_adds: cost?.multiplyAdds ?? null,
        size: cost?.size ?? null,
        options: Object.keys(options.shape),
      }
    }),
    heads: Object.entries(heads).map(([name, { paper, options }]) => ({
      name,
      paper,
      options: Object.keys(options.shape),
    })),
    weights: [...knownCheckpoints],
  }
}

function backboneTable({ backbones }: Catalogue): string {
  const rows = backbones.map(({ name, paper, dims, parameters, multiply_adds: cost, size }) => [
    name,
    parameters === null ? null : (parameters / 1e6).toFixed(2),
    cost === null ? null : (cost / 1e9).toFixed(2),
    size === null ? null : new Array<number>(dims).fill(size).join('x'),
    shortened(paper, 49),
  ])
  return formatTable(['backbone', 'Mparams', 'GMACs', 'at', 'paper'], rows)
}

function headTable({ heads }: Catalogue): string {
  return formatTable(
    ['head', 'paper'],
    heads.map(({ name, paper }) => [name, shortened(paper, 78)]),
  )
}

function weightTable({ weights }: Catalogue): string {
  return formatTable(
    ['weights', 'backbone', 'top-1', 'licence', 'trained on'],
    weights.map(({ id, backbone, top1, licence, trainedOn }) => [
      id,
      backbone,
      top1 === null ? null : top1.toFixed(1),
      licence,
      shortened(trainedOn, 13),
    ]),
  )
}

function shortened(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, width - 1).trimEnd()}…`
}
