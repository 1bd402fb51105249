import type { PropertyChanges } from '../../cluster/edits/catalogue/properties.ts';
import { ofCluster } from '../common/codes.ts';
import type { ConfigurationReader } from '../../cluster/reading/configuration.ts';
import { nullAnswer } from './documents/changes.ts';
import { listProperties, propertyDetails, type PropertyList } from './documents/properties.ts';
import {
  type Fields,
  inBody,
  inPath,
  optional,
  rule,
  type ValuesOf,
  withoutMeaning,
} from '../../server/table/field.ts';
import type { Row } from '../../server/table/row.ts';
import { propertyName } from './fields/names.ts';
import type { ClusterChangeRows } from './cluster-change-rows.ts';
import { isText } from './fields/values.ts';
import { read } from '../common/read.ts';
import { cibReply, ofCib, type ReadOfCib } from './cib-rows.ts';
import { always } from '../../server/table/schema.ts';
import { properties } from './answers/configuration.ts';
import type { ClusterOptionsReader } from '../../cluster/reading/properties.ts';

/** What the routes of properties need from the domain. */
export interface PropertyDomain {
  configuration: ConfigurationReader;
  clusterOptions: ClusterOptionsReader;
  propertyChanges: PropertyChanges;
}

/** The routes of cluster properties. */
export function propertyRows(
  { configuration, clusterOptions, propertyChanges }: PropertyDomain,
  changing: ClusterChangeRows,
): Row[] {
  /** The daemons are asked for the defaults while the CIB is read. */
  const fromProperties = <F extends Fields>({
    bodyOf,
    codes = [],
    ...rest
  }: Omit<ReadOfCib<F>, 'schema'> & {
    bodyOf: (list: PropertyList, values: ValuesOf<F>) => unknown;
  }) =>
    read({
      ...rest,
      codes: [...ofCluster, ...codes],
      headers: ofCib,
      schema: properties,
      async handle(values: ValuesOf<F>) {
        const [from, options] = await Promise.all([configuration.get(), clusterOptions()]);
        return cibReply(from, bodyOf(listProperties(from.cib, options), values));
      },
    });

  const name = inPath(propertyName);
  const set = {
    summary: 'Sets a cluster property.',
    schema: always(null),
    codes: ['property_not_found', 'property_is_pacemakers'] as const,
    fields: { name, value: inBody(propertyValue), default: optional(withoutMeaning) },
    change: (values: { name: string; value: string }) =>
      propertyChanges.set(values.name, values.value),
    answer: nullAnswer,
  };
  const remove = {
    summary: 'Deletes a cluster property, so that its default applies.',
    schema: always(null),
    codes: ['property_not_set', 'property_is_pacemakers'] as const,
    fields: { name },
    change: (values: { name: string }) => propertyChanges.delete(values.name),
    answer: nullAnswer,
  };
  return [
    fromProperties({
      path: '/property',
      summary: 'The cluster properties, with their defaults.',
      bodyOf: (list) => list,
    }),
    changing({
      methods: ['GET', 'POST'],
      path: '/property/delete_all',
      summary: 'Deletes all cluster properties, so that their defaults apply.',
      schema: always(null),
      codes: [],
      change: propertyChanges.deleteAll,
      answer: nullAnswer,
      loses: () => 'All cluster properties, including those of fencing, return to their defaults.',
    }),
    ...['/property/:name/details', '/property/:name'].map((path) =>
      fromProperties({
        path,
        summary: 'One cluster property, with its default.',
        fields: { name },
        codes: ['property_not_found'],
        bodyOf: (list, values) => propertyDetails(list, values.name),
      }),
    ),
    changing({ ...set, path: '/property/:name/set' }),
    changing({ ...set, methods: ['PUT'], path: '/property/:name' }),
    changing({ ...remove, methods: ['GET', 'POST'], path: '/property/:name/delete' }),
    changing({ ...remove, methods: ['DELETE'], path: '/property/:name' }),
  ];
}

const propertyValue = rule<string>({ type: ['string', 'number', 'boolean'] }, (chain) =>
  chain
    .custom(
      (value: unknown) =>
        (isText(value) && value !== '') || typeof value === 'boolean' || Number.isFinite(value),
    )
    .withMessage(
      'must be a string of at most 4096 characters that XML can hold, not empty, a number or a boolean',
    )
    .bail()
    .customSanitizer(String),
);
