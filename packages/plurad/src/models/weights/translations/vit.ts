import { rulesOf, type Translation } from './translation.js'

const block = (rest: string): string => `encoder.layers.encoder_layer_$1.${rest}`

/** timm's names, which DeiT, MAE and DINO have too. */
export const timmVit: Translation = {
  name: 'timm',
  backbones: /^vit_/,
  key: rulesOf([
    [/^cls_token$/, 'class_token'],
    [/^pos_embed$/, 'encoder.pos_embedding'],
    [/^patch_embed\.proj\./, 'conv_proj.'],
    [/^blocks\.(\d+)\.norm1\./, block('ln_1.')],
    [/^blocks\.(\d+)\.norm2\./, block('ln_2.')],
    [/^blocks\.(\d+)\.attn\.qkv\./, block('self_attention.in_proj_')],
    [/^blocks\.(\d+)\.attn\.proj\./, block('self_attention.out_proj.')],
    [/^blocks\.(\d+)\.mlp\.fc1\./, block('mlp.0.')],
    [/^blocks\.(\d+)\.mlp\.fc2\./, block('mlp.3.')],
    // MAE's fine-tuned networks pool before the norm and call it fc_norm.
    [/^(fc_)?norm\.(weight|bias)$/, 'encoder.ln.$2'],
    [/^head\./, 'heads.head.'],
  ]),
}

/** torchvision before 0.13. */
export const oldTorchvisionVit: Translation = {
  name: 'torchvision before 0.13',
  backbones: /^vit_/,
  key: (key) => key.replace(/\.mlp\.linear_1\./, '.mlp.0.').replace(/\.mlp\.linear_2\./, '.mlp.3.'),
}
