import { expect } from 'chai';
import { Validator } from '@seriousme/openapi-schema-validator';

import { families } from '../../packaging/reference/families.ts';
import { openApiOf } from '../../src/server/table/openapi.ts';
import { undocumented } from '../support/undocumented.ts';

describe('the rows of each family', () => {
  for (const family of Object.values(families)) {
    it(`describe each route of ${family.name} completely, with an example`, () => {
      expect(undocumented(family)).to.deep.equal([]);
    });

    it(`make a valid OpenAPI document of ${family.name}`, async () => {
      const { valid, errors } = await new Validator().validate({ ...openApiOf(family) });
      expect(errors, JSON.stringify(errors)).to.equal(undefined);
      expect(valid).to.equal(true);
    });
  }

  it('use every schema of the answers of the HA API', async () => {
    const { components } = openApiOf(families.ha) as { components: { schemas: object } };
    const written = await Promise.all(
      ['changes', 'configuration', 'host', 'state', 'xml'].map(
        (name) => import(`../../src/routes/ha/answers/${name}.ts`) as Promise<object>,
      ),
    );
    const titles = [...written, await import('../../src/routes/alphorn/answers.ts')]
      .flatMap((each) => Object.values(each) as { title?: string }[])
      .map(({ title }) => title)
      .filter((title) => title !== undefined);
    expect(Object.keys(components.schemas)).to.include.members(titles);
  });
});
