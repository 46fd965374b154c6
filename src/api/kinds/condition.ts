import { z } from 'zod';
import { listMap, text, timestamp } from './schema.ts';

/** One observation about an object, by the Kubernetes API conventions. */
export const conditionSchema = z
  .object({
    type: z.string().min(1).max(64).meta({ description: 'What is observed, such as Ready or Verified.' }),
    status: z.enum(['True', 'False', 'Unknown']).meta({ description: 'Whether it holds.' }),
    observedGeneration: z
      .int()
      .min(0)
      .meta({ description: 'The metadata.generation that this observation is about.', format: 'int64' }),
    lastTransitionTime: timestamp('When the status last changed.'),
    reason: z
      .string()
      .min(1)
      .max(64)
      .regex(/^[A-Za-z]([A-Za-z0-9]*)$/)
      .meta({ description: 'One CamelCase word for machines; docs/concepts.md lists when each surfaces.' }),
    message: text(2048, 'What a person needs to know, and what to do next.'),
  })
  .meta({ description: 'One observation about the object.' });

export type Condition = z.infer<typeof conditionSchema>;

/** The conditions of an object, keyed by type; every known type is set on the first visit. */
export const conditionsSchema = listMap(
  z.array(conditionSchema).max(16).meta({ description: 'Observations, one per type.' }),
  'type',
);
