import { basename, dirname, join, resolve } from 'node:path'
import { existsSync, statSync } from 'node:fs'
import type { Command } from 'commander'
import { UsageError } from '../errors.js'
import type { ExportFormat } from '../export/export.js'
import { parseThreads } from './threads.js'

interface Flags {
  format: string
  out?: string
  threads?: string
  json?: boolean
}

const FORMATS: readonly string[] = ['onnx', 'safetensors'] satisfies ExportFormat[]

export function register(program: Command): void {
  program
    .command('export')
    .description('write a trained model for use without libtorch')
    .argument('<run>', 'a run folder or a model.safetensors')
    .option('--format <format>', 'onnx, or safetensors for the weights', 'onnx')
    .option('--out <file>', 'where to; left out: model.onnx beside the weights')
    .option('--threads <n>', 'threads of the check')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
The file carries labels, preprocessing, thresholds and recipe. Before it is written its probabilities are held against
libtorch's for batches of 1 and 7 images; where they differ by more than 0.0001 nothing is written.

Examples:
  plurad export runs/chexnet
  plurad export runs/chexnet --out chexnet.onnx
  plurad predict chexnet.onnx image.png`,
    )
    .action(async (run: string, flags: Flags) => {
      const format = FORMATS.find((name) => name === flags.format)
      if (format === undefined)
        throw new UsageError(`export: --format ${flags.format}: expected ${FORMATS.join(' or ')}`)
      const threads = parseThreads('export', flags.threads)
      const out = flags.out ?? join(folderOf(run), `model.${format}`)
      if (!out.endsWith(`.${format}`))
        throw new UsageError(`export: --out ${out}: expected a name that ends in .${format}`)
      if (
        existsSync(out) &&
        resolve(out) === resolve(run, run.endsWith('.safetensors') ? '' : 'model.safetensors')
      )
        throw new UsageError(`export: ${out} is the model itself: name another file with --out`)
      // Loads libtorch: not before the flags are known to be right.
      const { exportModel } = await import('../export/export.js')
      const exported = await exportModel({ model: run, out, format: format as ExportFormat, threads })
      const { file, bytes, outputs, difference, info } = exported
      process.stdout.write(
        flags.json
          ? `${JSON.stringify({ file, format, bytes, outputs, labels: info.labels, difference })}\n`
          : `${file}: ${(bytes / 1e6).toFixed(1)} MB, ${info.labels.length} labels` +
              `${difference === null ? '' : `, within ${difference.toExponential(1)} of libtorch in probability`}\n`,
      )
    })
}

function folderOf(run: string): string {
  const isFolder = existsSync(run) && statSync(run).isDirectory()
  return isFolder || !basename(run).endsWith('.safetensors') ? run : dirname(run)
}
