/** The runs that an ensemble is made of, as far as they can be exported. */
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { z } from 'zod'
import { DataError, ExportError } from '../errors.js'
import { RunFolder } from '../run/folder.js'

const ensembleFile = z.looseObject({ method: z.string(), members: z.array(z.string()).min(2) })

/**
 * Run folders of an ensemble's members; null where the folder is no ensemble.
 *
 * @throws ExportError where they are not combined by their mean, which is what prediction gives
 */
export async function ensembleMembers(location: string): Promise<string[] | null> {
  const members = await namedMembers(location)
  return members === null
    ? null
    : members.map((member) => {
        // Named as they were typed, or from the ensemble's folder.
        const found = [resolve(location, member), resolve(member)].find((folder) =>
          existsSync(new RunFolder(folder).model),
        )
        if (found !== undefined) return found
        throw new ExportError(
          `The member ${member} of ${location} has no model.safetensors here: run it from the folder in which the ensemble was made.`,
        )
      })
}

/**
 * What an ensemble's members are called; null where the folder is no ensemble.
 *
 * @throws ExportError where they are not combined by their mean
 */
export async function namedMembers(location: string): Promise<readonly string[] | null> {
  const { ensemble } = new RunFolder(location)
  if (!existsSync(ensemble)) return null
  const { method, members } = parse(await readFile(ensemble, 'utf8'), ensemble)
  if (method === 'mean') return members
  throw new ExportError(
    `${location} combines its members by ${method}, prediction by their mean: export the ensemble that plurad ensemble ` +
      '--method mean makes, or the members one by one.',
  )
}

function parse(text: string, file: string): z.infer<typeof ensembleFile> {
  try {
    return ensembleFile.parse(JSON.parse(text))
  } catch (error) {
    throw new DataError(`${file} is no description of an ensemble: expected its method and members.`, {
      cause: error,
    })
  }
}
