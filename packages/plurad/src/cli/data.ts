import type { Command } from 'commander'

/** What `plurad data` can do; one file each in `data/`. */
const subcommands: readonly ((data: Command) => void)[] = []

export function register(program: Command): void {
  const data = program.command('data').description('look at, check, split, pack, fetch and preview data sets')
  for (const register of subcommands) register(data)
}
