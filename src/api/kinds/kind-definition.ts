import type { z } from 'zod';

/** A column of `kubectl get`: it shows one field. */
export interface PrinterColumn {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'boolean' | 'date';
  readonly jsonPath: string;
  readonly description: string;
  /** 1 shows the column with `-o wide` only. */
  readonly priority?: 0 | 1;
}

/** All that a CustomResourceDefinition is generated from. */
export interface KindDefinition {
  readonly kind: string;
  readonly plural: string;
  readonly singular: string;
  readonly shortName: string;
  readonly description: string;
  readonly spec: z.ZodObject;
  /** Absent for a kind without status. */
  readonly status?: z.ZodObject;
  /** What a created object's status holds before anybody wrote it. */
  readonly statusDefault?: Readonly<Record<string, unknown>>;
  readonly columns: readonly PrinterColumn[];
}

/** The column that every kind closes with. */
export const AGE_COLUMN: PrinterColumn = {
  name: 'Age',
  type: 'date',
  jsonPath: '.metadata.creationTimestamp',
  description: 'Time since the object was created.',
};
