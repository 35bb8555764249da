import { autocast, optim, rand, randn, scope } from '@plurad/torch'
import { args, densenet, loss, median, print } from './common.mjs'

const { batch, size, steps, warmup, precision, channelsLast } = args
const bce = await loss()
const model = (await densenet()).train()
if (channelsLast) model.to({ memoryFormat: 'channels_last' })
const optimizer = new optim.Adam(model.parameters(), { lr: 1e-4 })
const contiguous = randn([batch, 1, size, size])
const x = channelsLast ? contiguous.contiguous('channels_last') : contiguous
const y = rand([batch, 14])
const seconds = []
for (let i = 0; i < steps + warmup; i++) {
  const start = performance.now()
  optimizer.zeroGrad()
  const value = scope(() => {
    const logits =
      precision === 'float32' ? model.forward(x) : autocast({ dtype: precision }, () => model.forward(x))
    return bce(logits.float(), y)
  })
  value.backward()
  optimizer.step()
  value.item()
  value.dispose()
  if (i >= warmup) seconds.push((performance.now() - start) / 1000)
}
print(median(seconds))
