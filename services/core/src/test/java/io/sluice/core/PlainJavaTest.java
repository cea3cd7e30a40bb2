package io.sluice.core;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.lang.syntax.ArchRuleDefinition;

/** The core is plain Java: no library, no clock, no hidden randomness, no threads, no files, no network. */
@AnalyzeClasses(packages = "io.sluice.core", importOptions = ImportOption.DoNotIncludeTests.class)
class PlainJavaTest {
    @ArchTest
    static final ArchRule usesNoLibrary = ArchRuleDefinition.classes()
            .should()
            .onlyDependOnClassesThat()
            .resideInAnyPackage(
                    "io.sluice.core..",
                    "java.lang..",
                    "java.util",
                    "java.util.function..",
                    "java.util.regex..",
                    "java.util.stream..",
                    "java.time..",
                    "java.math..");

    @ArchTest
    static final ArchRule hasNoClock = noClasses()
            .should()
            .callMethod(System.class, "currentTimeMillis")
            .orShould()
            .callMethod(System.class, "nanoTime")
            .orShould()
            .callMethod(java.time.Instant.class, "now");

    @ArchTest
    static final ArchRule hasNoThreadsAndNoHiddenRandomness = noClasses()
            .should()
            .dependOnClassesThat(DescribedPredicate.describe(
                    "are threads or unseeded random sources",
                    (JavaClass c) -> c.isAssignableTo(Thread.class)
                            || c.isEquivalentTo(java.util.Random.class)
                            || c.isEquivalentTo(java.util.UUID.class)
                            || c.isEquivalentTo(java.util.Timer.class)))
            .orShould()
            .callMethod(Math.class, "random");
}
