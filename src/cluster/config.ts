import * as z from 'zod';

/** The keys of the cluster. */
export const clusterConfig = z.strictObject({
  undo_keep: z
    .number()
    .int()
    .min(1)
    .max(10_000)
    .default(1000)
    .describe('How many changes of the CIB are kept so that they can be undone.'),
});

export type ClusterConfig = Readonly<z.output<typeof clusterConfig>>;
