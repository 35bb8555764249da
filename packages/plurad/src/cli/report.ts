import type { Command } from 'commander'
import { existsSync } from 'node:fs'
import { RunError } from '../errors.js'
import { writeReport } from '../report/index.js'
import { RunFolder } from '../run/folder.js'

export function register(program: Command): void {
  program
    .command('report')
    .description("write a run folder's report.html again")
    .argument('<run>', 'the run folder')
    .addHelpText('after', '\nExample:\n  plurad report runs/chexnet')
    .action(async (run: string) => {
      const folder = new RunFolder(run)
      if (!existsSync(folder.root)) throw new RunError(`There is no folder ${folder.root}.`)
      process.stdout.write(`${await writeReport(folder.root)}\n`)
    })
}
