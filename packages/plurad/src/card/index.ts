/**
 * The model card: what a model is for, what it was made of and how well it does, in Markdown, from what the run wrote. No
 * image and no patient is named in it. After Mitchell et al., Model cards for model reporting, FAT* (2019).
 */
import { RunFolder } from '../run/folder.js'
import { writeFileAtomic } from '../files.js'
import { gatherFacts } from './facts.js'
import { escaped } from './markdown.js'
import { cardSections } from './sections.js'

/**
 * @param location a run folder, a model.safetensors or a .onnx file
 * @throws DataError where there is no model
 */
export async function renderModelCard(location: string): Promise<string> {
  const facts = await gatherFacts(location)
  const parts = cardSections.flatMap(({ title, body }) => {
    const text = body(facts)
    return text === null ? [] : [`## ${title}\n\n${text}`]
  })
  return `# Model card: ${escaped(facts.name)}\n\n${parts.join('\n\n')}\n`
}

/** Writes `model-card.md` into the run folder; gives its path. */
export async function writeModelCard(runFolder: string): Promise<string> {
  const { card } = new RunFolder(runFolder)
  await writeFileAtomic(card, await renderModelCard(runFolder))
  return card
}
