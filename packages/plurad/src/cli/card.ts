import type { Command } from 'commander'
import { renderModelCard } from '../card/index.js'
import { writeFileAtomic } from '../files.js'

export function register(program: Command): void {
  program
    .command('card')
    .description('print the model card of a run or a model file, in Markdown')
    .argument('<model>', 'a run folder, a model.safetensors or a .onnx file')
    .option('--out <file>', 'write it there instead')
    .addHelpText(
      'after',
      `
A run folder has its card as model-card.md. What a model file alone cannot say (figures, counts) is left out.

Examples:
  plurad card runs/chexnet
  plurad card model.onnx --out MODEL_CARD.md`,
    )
    .action(async (model: string, { out }: { out?: string }) => {
      const card = await renderModelCard(model)
      if (out === undefined) process.stdout.write(card)
      else await writeFileAtomic(out, card)
    })
}
