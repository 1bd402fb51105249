import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';

import { openApiOf } from '../../src/server/table/openapi.ts';
import type { Family } from '../../src/server/table/family.ts';

/** A request and its answer, as a client has them. */
export interface Received {
  method: string;
  /** Path and query. */
  url: string;
  status: number;
  type: string | undefined;
  text: string;
}

interface Operation {
  parameters?: readonly { name: string; 'x-several-segments'?: boolean }[];
  responses: Readonly<Record<string, Response | { $ref: string }>>;
}

interface Response {
  content?: Readonly<Record<string, object>>;
}

export interface OpenApi {
  servers: readonly { url: string }[];
  paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  components: { responses: Readonly<Record<string, Response>> };
}

/** The operation of a document that a request was for. */
export interface FoundOperation {
  /** `METHOD /path/{parameter}` */
  name: string;
  operation: Operation;
  /** The JSON Pointer to the operation. */
  pointer: string;
  /** Whether another path serves the same request with other methods. */
  isAmbiguous: boolean;
}

export interface AnswerCheck {
  /** @throws {Error} what in the answer is undocumented; a path that is in no document passes */
  check: (received: Received) => void;
  /** @returns the family of a request, and its operation if it is in a document */
  find: (method: string, url: string) => (FoundOperation & { family: Family }) | undefined;
}

/** Checks answers against the OpenAPI documents of families. */
export function answerCheck(families: readonly Family[]): AnswerCheck {
  const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true });
  const documents = families.map((family) => {
    const document = openApiOf(family) as OpenApi;
    ajv.addSchema(document, family.name);
    return { family, document, find: operationFinder(document) };
  });
  const validators = new Map<string, ValidateFunction>();

  function validatorOf(pointer: string): ValidateFunction {
    const known = validators.get(pointer) ?? ajv.compile({ $ref: pointer });
    validators.set(pointer, known);
    return known;
  }

  function found(method: string, url: string) {
    for (const { family, document, find } of documents) {
      const operation = find(method, url);
      if (operation) return { ...operation, family, document };
    }
    return undefined;
  }

  return {
    find: found,
    check({ method, url, status, type, text }) {
      const asked = found(method === 'HEAD' ? 'GET' : method, url);
      // The path is undocumented, or this method of it is.
      if (asked === undefined) return;
      const { family, document, operation } = asked;
      const fail = (why: string) => {
        const what = `${method} ${url} was answered with ${status}`;
        throw new Error(
          `${what}, which is not as its row documents it: ${why}\n${text.slice(0, 2000)}`,
        );
      };
      // The request has a more specific path, is a HEAD of a change, or ends with a slash that makes another path.
      const endsWithSlash = url.split('?')[0]?.endsWith('/') === true;
      if (status === 405 && (method === 'HEAD' || asked.isAmbiguous || endsWithSlash)) return;
      const said = operation.responses[status];
      if (said === undefined) {
        fail(`it documents ${Object.keys(operation.responses).join(', ')} alone.`);
        return;
      }
      const shared = '$ref' in said ? said.$ref : undefined;
      const pointer = shared ?? `${asked.pointer}/responses/${status}`;
      const response = shared
        ? document.components.responses[shared.split('/').at(-1) ?? '']
        : (said as Response);
      if (method === 'HEAD') return;
      const content = response?.content;
      if (content === undefined) {
        if (text !== '') fail('it documents no body.');
        return;
      }
      const [mediaType = ''] = (type ?? '').split(';');
      if (!(mediaType in content)) fail(`its type is ${mediaType}.`);
      if (!mediaType.endsWith('json')) return;
      const validate = validatorOf(
        `${family.name}${pointer}/content/${mediaType.replace('/', '~1')}/schema`,
      );
      if (!validate(JSON.parse(text))) fail(textOfErrors(validate.errors ?? []));
    },
  };
}

/** The errors at the deepest place, because the other errors follow from them. */
function textOfErrors(errors: readonly ErrorObject[]): string {
  const depth = ({ instancePath }: ErrorObject) => instancePath.split('/').length;
  const deepest = Math.max(...errors.map(depth));
  return errors
    .filter((each) => depth(each) === deepest)
    .map(({ instancePath, message = '', params }) => {
      return `${instancePath || 'the answer'} ${message} ${JSON.stringify(params)}`;
    })
    .slice(0, 5)
    .join('; ');
}

function operationFinder(
  document: OpenApi,
): (method: string, url: string) => FoundOperation | undefined {
  const templates = Object.entries(document.paths)
    .map(([template, operations]) => ({ template, operations, rank: rankOf(template) }))
    .sort((a, b) => (a.rank < b.rank ? -1 : 1))
    .flatMap(({ template, operations }) =>
      Object.entries(operations).map(([method, operation]) => ({
        method,
        operation,
        template,
        patterns: document.servers.map(({ url }) => patternOf(url, template, operation)),
      })),
    );
  return (asked, url) => {
    const [path = ''] = url.split('?');
    const matching = templates.filter(({ patterns }) =>
      patterns.some((pattern) => pattern.test(path)),
    );
    const found = matching.find(({ method }) => method === asked.toLowerCase());
    if (found === undefined) return undefined;
    const { method, operation, template } = found;
    const escaped = template.replaceAll('~', '~0').replaceAll('/', '~1');
    const pointer = `#/paths/${encodeURIComponent(escaped)}/${method}`;
    const isAmbiguous = matching.some((each) => each.template !== template);
    return { name: `${method.toUpperCase()} ${template}`, operation, pointer, isAmbiguous };
  };
}

/** A literal segment goes before a parameter, in the same order as the routes are served. */
function rankOf(template: string): string {
  return template
    .split('/')
    .map((segment) => (segment.startsWith('{') ? '1' : '0'))
    .join('');
}

function patternOf(base: string, template: string, { parameters = [] }: Operation): RegExp {
  const segments = template.split('/').map((segment) => {
    const name = /^\{(\w+)\}$/.exec(segment)?.[1];
    if (name === undefined) return literal(segment);
    const isSeveral = parameters.some(
      (each) => each.name === name && each['x-several-segments'] === true,
    );
    return isSeveral ? '.+' : '[^/]+';
  });
  return new RegExp(
    `^${literal(base.replace(/\/$/, ''))}${segments.join('/').replace(/\/$/, '')}/?$`,
  );
}

function literal(text: string): string {
  return text.replaceAll('.', '\\.');
}
