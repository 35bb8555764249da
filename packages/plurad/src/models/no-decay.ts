/**
 * Parameters that weight decay may spare: additive ones; weight and bias of norms; embeddings of positions, the class token and
 * Swin's bias tables; and all that have one dimension only (which takes in biases, norms and scales of layers).
 */
export const NO_DECAY = ['bias', 'norm', 'pos_embedding', 'one_dimensional'] as const
