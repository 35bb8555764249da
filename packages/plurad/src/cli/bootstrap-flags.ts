/** What the commands that give intervals share. */
import type { Command } from 'commander'
import { UsageError } from '../errors.js'
import { INTERVAL_METHODS } from '../metrics/index.js'
import type { BootstrapChoice } from '../metrics/judge.js'

export interface BootstrapFlags {
  bootstrap?: string
  interval: string
  level: string
  seed: string
}

const MOST_REPETITIONS = 1e6

/** @param repetitions The default; without one there are no intervals unless asked for. */
export function bootstrapOptions(command: Command, repetitions?: string): Command {
  return command
    .option('--bootstrap <n>', 'intervals from so many samples of the patients, such as 2000', repetitions)
    .option(
      '--interval <method>',
      `${INTERVAL_METHODS.join(' or ')}: how intervals are made of the samples`,
      'percentile',
    )
    .option('--level <share>', 'how often an interval is to hold the truth', '0.95')
    .option('--seed <n>', 'of the samples', '0')
}

/**
 * @returns null without `--bootstrap`
 * @throws UsageError
 */
export function bootstrapChoice(command: string, flags: BootstrapFlags): BootstrapChoice | null {
  if (flags.bootstrap === undefined) return null
  const repetitions = Number(flags.bootstrap)
  if (!(Number.isInteger(repetitions) && repetitions > 0 && repetitions <= MOST_REPETITIONS)) {
    throw new UsageError(
      `${command}: --bootstrap ${flags.bootstrap}: expected a whole number from 1 to ${MOST_REPETITIONS}`,
    )
  }
  const method = INTERVAL_METHODS.find((name) => name === flags.interval)
  if (method === undefined) {
    throw new UsageError(
      `${command}: --interval ${flags.interval}: expected ${INTERVAL_METHODS.join(' or ')}`,
    )
  }
  const level = Number(flags.level)
  if (!(level > 0 && level < 1)) {
    throw new UsageError(
      `${command}: --level ${flags.level}: expected a number between 0 and 1, such as 0.95`,
    )
  }
  const seed = Number(flags.seed)
  if (!Number.isSafeInteger(seed) || seed < 0) {
    throw new UsageError(`${command}: --seed ${flags.seed}: expected a whole number from 0 on`)
  }
  return { repetitions, method, level, seed }
}
