import type { Command } from 'commander'
import { existsSync } from 'node:fs'
import { RunError } from '../errors.js'
import { writeReport } from '../report/index.js'
import { RunFolder } from '../run/folder.js'

interface Flags {
  figures?: string
  withIds?: boolean
  pictures: boolean
}

export function register(program: Command): void {
  program
    .command('report')
    .description("write a run folder's report.html again")
    .argument('<run>', 'the run folder, or the folder of an ensemble or an evaluation')
    .option('--figures <folder>', 'also write every figure there as SVG, PNG and CSV')
    .option('--with-ids', 'name images and patients in the cases that are shown')
    .option('--no-pictures', 'show best and worst cases without their pictures')
    .addHelpText(
      'after',
      '\nExamples:\n  plurad report runs/chexnet\n  plurad report runs/chexnet --figures runs/chexnet/figures --no-pictures',
    )
    .action(async (run: string, { figures, withIds, pictures }: Flags) => {
      const folder = new RunFolder(run)
      if (!existsSync(folder.root)) throw new RunError(`There is no folder ${folder.root}.`)
      const file = await writeReport(folder.root, { figures, withIds, withoutPictures: !pictures })
      process.stdout.write(`${file}\n`)
      if (figures !== undefined) process.stderr.write(`Figures     ${figures}\n`)
    })
}
