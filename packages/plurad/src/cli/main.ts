#!/usr/bin/env node
/** `plurad`: the command line. One file a command; this one only gathers them and turns errors into exit codes. */
import { Command, CommanderError } from 'commander'
import { UsageError } from '../errors.js'
import { version } from '../version.js'

interface CommandModule {
  register: (program: Command) => void
}

/**
 * In the order of the help. Only the one that is asked for is loaded: the report's figures alone take longer to load than
 * a prediction takes.
 */
const commands: Readonly<Record<string, () => Promise<CommandModule>>> = {
  demo: () => import('./demo.js'),
  setup: () => import('./setup.js'),
  doctor: () => import('./doctor.js'),
  recipes: () => import('./recipes.js'),
  models: () => import('./models.js'),
  data: () => import('./data.js'),
  train: () => import('./train.js'),
  evaluate: () => import('./evaluate.js'),
  compare: () => import('./compare.js'),
  ensemble: () => import('./ensemble.js'),
  predict: () => import('./predict.js'),
  explain: () => import('./explain.js'),
  export: () => import('./export.js'),
  report: () => import('./report.js'),
  card: () => import('./card.js'),
}

/** All of them for help, and where the name is none. */
function load(name: string | undefined): Promise<CommandModule[]> {
  const wanted =
    name !== undefined && Object.hasOwn(commands, name) ? [commands[name]] : Object.values(commands)
  return Promise.all(wanted.map((command) => command()))
}

const FAILED = 1
const WRONG_USAGE = 2

/** Errors whose message is written for the user: no stack. */
const FOR_USERS =
  /^(PluradError|DataError|RecipeError|RunError|TrainingError|ExportError|UsageError|EngineError|OutOfMemoryError|SerializationError)$/

async function main(): Promise<number> {
  const program = new Command('plurad')
    .description('Find every finding in a medical image, the rare ones too.')
    .version(version)
    .showSuggestionAfterError()
    .exitOverride()
    .configureHelp({ sortSubcommands: false })
  for (const { register } of await load(process.argv[2])) register(program)
  for (const command of program.commands) {
    command.exitOverride()
    for (const subcommand of command.commands) subcommand.exitOverride()
  }
  try {
    await program.parseAsync()
    return Number(process.exitCode ?? 0)
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : WRONG_USAGE
    const known = error instanceof Error && FOR_USERS.test(error.name)
    const text =
      error instanceof Error ? (known ? error.message : (error.stack ?? error.message)) : String(error)
    process.stderr.write(`plurad: ${text}\n`)
    if (!known)
      process.stderr.write('This is a fault of plurad itself; please report it with the lines above.\n')
    return error instanceof UsageError ? WRONG_USAGE : FAILED
  }
}

// `plurad predict … | head` closes the pipe early; that is no fault.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0)
  throw error
})

// A terminal that was closed takes no more progress; the checkpoint that its end asks for is still to be written.
process.stderr.on('error', () => undefined)

process.exitCode = await main()
