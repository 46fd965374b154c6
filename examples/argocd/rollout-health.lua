-- Health of a nixfleet.dev Rollout. The order matters: what is decided for good comes before what is under way.
local hs = { status = "Progressing", message = "The operator has not looked at it yet" }
if obj.status == nil or obj.status.conditions == nil then
  return hs
end
if obj.status.observedGeneration ~= nil and obj.status.observedGeneration ~= obj.metadata.generation then
  return hs
end

local conditions = {}
for _, condition in ipairs(obj.status.conditions) do
  conditions[condition.type] = condition
end
local function holds(type)
  return conditions[type] ~= nil and conditions[type].status == "True"
end
local function message(type)
  if conditions[type] == nil then
    return ""
  end
  return conditions[type].message
end

if obj.status.state == "Superseded" then
  return { status = "Healthy", message = message("Ready") }
end
if holds("Ready") then
  return { status = "Healthy", message = message("Ready") }
end
if holds("Stalled") then
  return { status = "Degraded", message = message("Stalled") }
end
if holds("Paused") then
  return { status = "Suspended", message = message("Paused") }
end
if holds("Blocked") and conditions.Progressing ~= nil and conditions.Progressing.reason == "Waiting" then
  return { status = "Suspended", message = message("Blocked") }
end
hs.message = message("Progressing")
return hs
