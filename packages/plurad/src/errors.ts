/**
 * The errors that users meet. Each says what was found, where, what was expected and what to do;
 * the command line prints the message alone (no stack) and exits with 1.
 */
export class PluradError extends Error {
  override name = 'PluradError'
}

/** A file, row or column of the user's data is not what it has to be. */
export class DataError extends PluradError {
  override name = 'DataError'
}

/** A recipe has an unknown key, a value out of range, or parts that do not fit together. */
export class RecipeError extends PluradError {
  override name = 'RecipeError'
}

/** A run folder cannot be created, read, resumed or written. */
export class RunError extends PluradError {
  override name = 'RunError'
}

/** Training produced something that cannot be continued from, such as a loss that is not a number. */
export class TrainingError extends PluradError {
  override name = 'TrainingError'
}

/** A model cannot be written in another format, or what was written does not give the same numbers. */
export class ExportError extends PluradError {
  override name = 'ExportError'
}

/** The command line was called with the wrong arguments: exit code 2. */
export class UsageError extends PluradError {
  override name = 'UsageError'
}
