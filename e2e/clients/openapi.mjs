// Reads the JSON API's document from a running co-op and lets a validator judge it against the OpenAPI
// specification.
import { Validator } from "@seriousme/openapi-schema-validator"

const response = await fetch(process.argv[2] + "/api/coop/openapi.json")
if (!response.ok) throw new Error(`the document answers ${response.status}`)
const validator = new Validator()
const result = await validator.validate(await response.json())
if (!result.valid) {
  console.error(JSON.stringify(result.errors, null, 2))
  process.exit(1)
}
console.log(`valid OpenAPI ${validator.version} with ${Object.keys(validator.specification.paths).length} paths`)
